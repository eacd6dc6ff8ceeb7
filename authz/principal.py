"""Who is asking: an app whose token the database accepts now, or nobody. Identity comes from a credential only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nobody:
    """A caller without a valid credential."""


@dataclass(frozen=True, slots=True)
class AppPrincipal:
    """An app, known by one of its tokens."""

    app_id: str
    token_id: str


Principal = Nobody | AppPrincipal
NOBODY = Nobody()
