"""What a flow is made of: it asks for rows, is given them, and ends with a value.

A flow never touches a connection. What drives it decides how: inline on SQLite, on a thread, or on PostgreSQL; all that
it asks for within one run is answered from one snapshot.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from authz.session import Row


@dataclass(frozen=True, slots=True)
class Ask:
    """A SELECT that the flow wants the rows of, with the database's own placeholders."""

    sql: str
    parameters: Sequence[object]


Flow = Generator[Ask, Sequence[Row], Any]

Errors = list[bytes]
"""Entries of `errors`, in the order of the document."""


@dataclass(slots=True)
class RootAnswer:
    """One root's part of `data`, and its errors."""

    data: bytes
    errors: Errors
