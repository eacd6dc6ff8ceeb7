"""How a root of people is answered: one call, one session, the credential checked in that session."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authz.door import Door
from authz.session import Sessions


@dataclass(frozen=True, slots=True)
class Call:
    """One root that is asked: its coerced arguments (enums by name), the credential's hash, and what is at hand.

    `door`: what the process remembers of attempts to sign in. `address`: the caller's network address where the
    transport knows it, for rate limits only.
    """

    sessions: Sessions
    token_hash: str | None
    arguments: Mapping[str, Any]
    base_url: str
    door: Door
    address: str | None = None


Handler = Callable[[Call], Awaitable[Any]]
"""Answers a call with plain values: dictionaries by field name, lists, scalars. Raises FieldgateError to refuse."""
