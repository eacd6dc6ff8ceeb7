"""Reading a JSON document that somebody else wrote: every refusal says exactly where, and nothing unknown is let pass.

A value knows its place (`products[0].scopes[2].need`). Texts must be printable, so that none can hide a control
character from the person who reads it in a terminal or on a page.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

from schema.errors import FieldgateError

MAX_BYTES = 1_000_000
MAX_INT = 2**31 - 1
_URL = re.compile(r"https://[^\s/?#@]+(/\S*)?")
_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")


@dataclass(frozen=True, slots=True)
class Placed:
    """A value of a document, where it stands, and the code that a refusal of it has."""

    value: object
    place: str
    code: str

    def refuse(self, problem: str) -> NoReturn:
        """Refuse the document because of this value."""
        where = self.place or "the document"
        raise FieldgateError(self.code, f"{where} {problem}.", place=self.place)

    def members(self, required: Collection[str], optional: Collection[str] = ()) -> "dict[str, Placed]":
        """An object that has all of the required members and no others than the optional ones."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        found = {name: self._inside(f".{name}", value) for name, value in self.value.items()}
        for name in required:
            if name not in found:
                self._inside(f".{name}", None).refuse("is missing")
        for name in found:
            if name not in required and name not in optional:
                self.refuse(f"has a member that means nothing here: {json.dumps(name[:60])}")
        return found

    def items(self, *, at_least: int = 0) -> "list[Placed]":
        """The items of an array."""
        if not isinstance(self.value, list):
            self.refuse("must be an array")
        if len(self.value) < at_least:
            self.refuse(f"must have at least {at_least} item{'s' if at_least > 1 else ''}")
        return [self._inside(f"[{index}]", value) for index, value in enumerate(self.value)]

    def _inside(self, step: str, value: object) -> "Placed":
        return Placed(value, f"{self.place}{step}".removeprefix("."), self.code)

    def text(self, *, limit: int = 500) -> str:
        """A text in one line, neither empty nor endless."""
        if not isinstance(self.value, str):
            self.refuse("must be a text")
        if not self.value.strip() or len(self.value) > limit or not self.value.isprintable():
            self.refuse(f"must have 1 to {limit} printable characters")
        return self.value

    def matching(self, pattern: str, words: str, *, limit: int = 60) -> str:
        """A text of a given form."""
        if not re.fullmatch(pattern, text := self.text(limit=limit)):
            self.refuse(f"must be {words}")
        return text

    def url(self) -> str:
        """An https address without user or password."""
        if not _URL.fullmatch(text := self.text()):
            self.refuse("must be an address that starts with https://")
        return text

    def email(self) -> str:
        """An e-mail address."""
        if not _EMAIL.fullmatch(text := self.text()):
            self.refuse("must be an e-mail address")
        return text

    def number(self) -> int:
        """A whole number from 1."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not 1 <= self.value <= MAX_INT:
            self.refuse("must be a whole number from 1")
        return self.value

    def one_of(self, words: Collection[str]) -> str:
        """One of a closed set of words."""
        if not isinstance(self.value, str) or self.value not in words:
            self.refuse(f"must be one of {', '.join(words)}")
        return self.value


def read_document(content: bytes, code: str) -> Placed:
    """The document's root; refused if it is no JSON, has a member twice, or is too large."""
    root = Placed(None, "", code)
    if len(content) > MAX_BYTES:
        root.refuse(f"must have at most {MAX_BYTES} bytes")
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError:
        root.refuse("must be UTF-8")
    except json.JSONDecodeError as error:
        root.refuse(f"is not JSON at line {error.lineno}, column {error.colno}")
    except RecursionError:
        root.refuse("is nested too deeply")
    except ValueError as error:  # raised below, or by a number of thousands of digits
        root.refuse(f"is not usable JSON: {error}" if isinstance(error, _Unusable) else "has a number that is too long")
    return Placed(value, "", code)


class _Unusable(ValueError):
    """JSON that Python would read and that can mean two things."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unusable("an object has a member twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _Unusable(f"{name} is no JSON value")
