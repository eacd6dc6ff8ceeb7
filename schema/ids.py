"""Opaque ids: three letters for the kind, the school's random key, 130 random bits. Nothing can be read from one.

`stu_` + 8 characters of the school + 26 characters. The school's key lets `node(id)` look in one school's partition;
the rest is random, so ids join no person across schools and betray no hidden row by a gap.
"""

import re
import secrets
from collections.abc import Callable
from random import Random

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SCHOOL_KEY = 8
OWN_KEY = 26
_SCHOOL_ID = re.compile(rf"sch_[{ALPHABET}]{{{SCHOOL_KEY}}}")
_RECORD_ID = re.compile(rf"[a-z]{{3}}_[{ALPHABET}]{{{SCHOOL_KEY + OWN_KEY}}}")

MakeKey = Callable[[int], str]
"""Gives so many characters of the alphabet."""


def random_key(length: int) -> str:
    """Characters from the operating system's randomness."""
    return "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(length))


def seeded_keys(seed: str) -> MakeKey:
    """Repeatable keys, for demonstration data and tests only."""
    source = Random(seed)  # noqa: S311 - repeatability is the point
    return lambda length: "".join(source.choice(ALPHABET) for _ in range(length))


def new_school_id(key: MakeKey = random_key) -> str:
    """`sch_` and eight characters."""
    return f"sch_{key(SCHOOL_KEY)}"


def new_record_id(prefix: str, school_id: str, key: MakeKey = random_key) -> str:
    """An id of a record of that school."""
    return f"{prefix}_{school_id[4:]}{key(OWN_KEY)}"


def new_plain_id(prefix: str, key: MakeKey = random_key) -> str:
    """An id of something that belongs to no school, such as an app."""
    return f"{prefix}_{key(OWN_KEY)}"


def is_school_id(text: str) -> bool:
    """Whether the text has the form of a school's id."""
    return _SCHOOL_ID.fullmatch(text) is not None


def school_of(text: str) -> str | None:
    """The school's id in an id of any record or school; None when it has not the form of one."""
    if _RECORD_ID.fullmatch(text):
        return f"sch_{text[4 : 4 + SCHOOL_KEY]}"
    return text if is_school_id(text) else None
