"""Reading the cases of this folder: every word of a case is understood, or the case is refused.

A case is the answer that the page of rules gives, in words of a school's data manager. `facts_of` makes the ladder's
facts of it by those words, without the code's own SQL.
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from authz.access import EVERY_SCOPE
from authz.contact_access import AccessSettings, Facts
from schema.vocabulary import NO_PERMISSION, REASONS, RELATIONSHIP_TYPE, SYNC, VIEW_AND_UPDATE, WITHHELD
from server.sync.values import Odd, Parse, boolean, text
from server.sync.wonde import STRICTER

Word = TypeVar("Word")

FOLDER = Path(__file__).parent
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))

# The words of the cases ----------------------------------------------------------------------------------------------

BLANK = "blank"
PERMISSIONS = {"View and Update": VIEW_AND_UPDATE, "No Permission": NO_PERMISSION}
SOURCES = {"Relationship Type": RELATIONSHIP_TYPE, "Sync": SYNC}
FLAGS = {
    "court orders always deny": "court_order_always_denies",
    "confirm masked overrides": "confirm_masked_overrides",
    "access for leavers": "access_for_leavers",
    "access for applicants": "access_for_applicants",
    "accept assumed priorities": "accept_assumed_priorities",
}
SCOPES = {
    "student": "students.read",
    "admission date": "students.admission_date.read",
    "leaving date": "students.leaving_date.read",
    "court order": "contacts.court_order.read",
    "restricted access": "contacts.restricted_access.read",
    "override": "contacts.access_override.read",
    "parental responsibility": "contacts.parental_responsibility.read",
    "lives with pupil": "contacts.lives_with_pupil.read",
    "priority": "contacts.priority.read",
    "relationship": "contacts.relationship.read",
}
# The facts of a link as the MIS has them, with the connector's reader of each.
READERS: Mapping[str, Parse] = {
    "relationship": text,
    "parental responsibility": boolean,
    "lives with pupil": boolean,
    "court order": boolean,
    "restricted access": boolean,
    "priority": STRICTER["StudentContact", "priority"],
}
NEW_SCHOOL = dict.fromkeys(("mother", "father", "parent", "guardian"), VIEW_AND_UPDATE)
CASE_KEYS = {
    "case", "because", "school", "student", "contact", "link", "answer", "reason", "app may read",
    "app may read everything but", "told reason",
}  # fmt: skip
LINK_KEYS = {
    *READERS, "priority assumed", "relationship when first synced", "first synced under defaults",
    "restriction lifted", "came back", "deleted", "override", "earlier overrides",
}  # fmt: skip
OVERRIDE_KEYS = {"value", "set", "confirmed", "cleared"}


class CaseMistake(Exception):
    """A case says something that has no meaning, so that it would not test what it seems to."""


@dataclass(frozen=True)
class Override:
    """An override; moments are days from today."""

    value: str
    set: int
    confirmed: int | None
    cleared: int | None


@dataclass(frozen=True)
class Student:
    """The student's dates, in days from today."""

    admitted: int | None = None
    leaves: int | None = None
    deleted: bool = False


@dataclass(frozen=True)
class Link:
    """The link as the case has it; moments are days from today. `facts` are the MIS's own, by column."""

    facts: Mapping[str, Any]
    storable: bool
    first_relationship: str | None
    version: int | None
    lifted: int | None
    came_back: int | None
    deleted: bool
    overrides: Sequence[Override]


@dataclass(frozen=True)
class Case:
    """One case."""

    name: str
    settings: AccessSettings
    saved: bool
    defaults: Mapping[int, Mapping[str, str]]
    student: Student | None
    contact_deleted: bool | None
    link: Link
    permission: str
    reason: str
    scopes: frozenset[str]
    told: str


# Reading a case -------------------------------------------------------------------------------------------------------


class Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which plain YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise CaseMistake(f"A key stands twice in {keys}, line {node.start_mark.line + 1}.")
        return super().construct_mapping(node, deep)


def read_cases(content: str) -> list[Case]:
    """The cases of one file."""
    return [read_case(written) for written in yaml.load(content, Loader)]  # noqa: S506 - it is a safe loader


def read_case(written: Mapping[str, Any]) -> Case:
    """One case; every word of it is understood, or it is refused."""
    name = written.get("case")
    try:
        known(written, CASE_KEYS)
        if not all(isinstance(written.get(key), str) and written[key].strip() for key in ("case", "because")):
            raise CaseMistake("A case has a sentence and the reason for it.")
        school = written.get("school", {})
        known(school, {"source", "defaults", *FLAGS})
        flags = {column: yes(school[word]) for word, column in FLAGS.items() if word in school}
        contact = written.get("contact", {})
        return Case(
            name=str(name),
            settings=AccessSettings(one_of(SOURCES, school.get("source", "Relationship Type")), **flags),
            saved="school" in written,
            defaults={
                version: {label: one_of(PERMISSIONS, word) for label, word in labels.items()}
                for version, labels in school.get("defaults", {}).items()
            },
            student=read_student(written.get("student", {})),
            contact_deleted=None if contact == "missing" else yes(known(contact, {"deleted"}).get("deleted", False)),
            link=read_link(written["link"]),
            permission=one_of(PERMISSIONS, written["answer"]),
            reason=one_of({reason: reason for reason in REASONS}, written["reason"]),
            **read_app(written),
        )
    except (CaseMistake, KeyError) as mistake:
        raise CaseMistake(f"{name}: {mistake}") from mistake


def read_student(written: Any) -> Student | None:
    if written == "missing":
        return None
    known(written, {"admitted", "leaves", "deleted"})
    return Student(day(written.get("admitted")), day(written.get("leaves")), yes(written.get("deleted", False)))


def read_app(written: Mapping[str, Any]) -> dict[str, Any]:
    """The scopes that the case's app holds and the reason it is told; every app's case says both."""
    keys = [key for key in ("app may read", "app may read everything but") if key in written]
    if len(keys) != int("told reason" in written):
        raise CaseMistake("What an app may read, once, and the told reason belong together.")
    if not keys:
        return {"scopes": EVERY_SCOPE, "told": written["reason"]}
    named = written[keys[0]]
    if isinstance(named, str):
        scopes = one_of({"everything": EVERY_SCOPE, "nothing": frozenset[str]()}, named)
    else:
        listed = frozenset(one_of(SCOPES, word) for word in named)
        scopes = listed if keys[0] == "app may read" else EVERY_SCOPE - listed
    return {"scopes": scopes, "told": one_of({word: word for word in (*REASONS, WITHHELD)}, written["told reason"])}


def read_link(written: Mapping[str, Any]) -> Link:
    known(written, LINK_KEYS)
    facts, storable = dict[str, Any](), True
    for word in READERS:
        value, stored = read_fact(word, written.get(word, BLANK))
        facts[word.replace(" ", "_")] = value
        storable = storable and stored
    assumed = written.get("priority assumed", BLANK)
    facts["priority_assumed"] = None if assumed == BLANK else yes(assumed)
    version = written.get("first synced under defaults", 0)
    if version != BLANK and type(version) is not int:
        raise CaseMistake("A version is a number, or blank.")
    overrides = [*written.get("earlier overrides", ()), *([written["override"]] if "override" in written else [])]
    return Link(
        facts=facts,
        storable=storable,
        first_relationship=written.get("relationship when first synced", facts["relationship"]),
        version=None if version == BLANK else version,
        lifted=day(written.get("restriction lifted")),
        came_back=day(written.get("came back")),
        deleted=yes(written.get("deleted", False)),
        overrides=[read_override(each) for each in overrides],
    )


def read_fact(word: str, written: Any) -> tuple[Any, bool]:
    """The value of a fact before the ladder, and whether a column can hold it."""
    if isinstance(written, dict):
        [(way, value)] = known(written, {"sent by the MIS", "past the connector"}).items()
        if way == "past the connector":
            return value, False
        read = READERS[word](value)
        return (read.stored if isinstance(read, Odd) else read), True
    if written == BLANK:
        return None, True
    expected = {"relationship": str, "priority": int}.get(word, bool)
    if type(written) is not expected:
        raise CaseMistake(f"{word} is not {written!r}.")
    return written, True


def read_override(written: Any) -> Override:
    parts = written if isinstance(written, dict) else {"value": written}
    known(parts, OVERRIDE_KEYS)
    return Override(
        one_of(PERMISSIONS, parts["value"]),
        day(parts.get("set", "10 days ago")) or 0,
        day(parts.get("confirmed")),
        day(parts.get("cleared")),
    )


def known(written: Any, keys: set[str]) -> Mapping[str, Any]:
    """The mapping, which has no other keys than these."""
    if not isinstance(written, dict) or not set(written) <= keys:
        raise CaseMistake(f"{written!r} is not a mapping of {sorted(keys)}.")
    return written


def one_of(words: Mapping[str, Word], word: Any) -> Word:
    """What the word stands for."""
    if not isinstance(word, str) or word not in words:
        raise CaseMistake(f"{word!r} is none of {sorted(words)}.")
    return words[word]


def yes(written: Any) -> bool:
    """Whether it says yes; it must say yes or no."""
    if not isinstance(written, bool):
        raise CaseMistake(f"{written!r} is neither yes nor no.")
    return written


def day(written: Any) -> int | None:
    """`today`, `3 days ago` and the like, as days from today; nothing and `blank` are none."""
    if written is None or written == BLANK:
        return None
    if written in ("yesterday", "today", "tomorrow"):
        return ("yesterday", "today", "tomorrow").index(written) - 1
    found = re.fullmatch(r"(?P<ago>[1-9][0-9]*) days ago|in (?P<ahead>[1-9][0-9]*) days", str(written))
    if found is None:
        raise CaseMistake(f"{written!r} is no day.")
    return int(found["ahead"]) if found["ahead"] else -int(found["ago"])


# A case as facts ------------------------------------------------------------------------------------------------------


def facts_of(case: Case) -> Facts:
    """The facts of the case, by the words of the page."""
    student, link = case.student, case.link
    override = next((each for each in link.overrides if each.cleared is None), None)
    looked_at = [moment for moment in (override.set, override.confirmed) if moment is not None] if override else []
    unmasked = [moment for moment in (link.lifted, link.came_back) if moment is not None]
    return Facts(
        gone=link.deleted or student is None or student.deleted or case.contact_deleted is not False,
        left=student is not None and has_left(student),
        not_begun=student is not None and student.admitted is not None and student.admitted > 0,
        override=override.value if override else None,
        to_review=bool(looked_at and unmasked) and max(looked_at) < max(unmasked),
        default=default_of(case),
        **{column: value for column, value in link.facts.items() if column != "relationship"},
    )


def has_left(student: Student) -> bool:
    """The leaving date is past, and no later admission says that the student came back."""
    if student.leaves is None or student.leaves >= 0:
        return False
    return student.admitted is None or student.admitted <= student.leaves


def default_of(case: Case) -> str | None:
    """The default of the present relationship in the link's version."""

    def folded(words: str | None) -> str:
        return re.sub(r"\s+", " ", (words or "").strip()).casefold()

    version = case.link.version or 0
    labels = NEW_SCHOOL if version == 0 else case.defaults.get(version, {})
    return {folded(label): value for label, value in labels.items()}.get(folded(case.link.facts["relationship"]))
