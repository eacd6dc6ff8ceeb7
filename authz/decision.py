"""One decision: may a caller with these scopes read this coordinate? Deny is the default and the fallback.

A pure function from a rule and a set of scopes to a small frozen answer that says what decided it.
"""

from dataclasses import dataclass

from schema.fields import Alternatives


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the scopes that would have to be granted too (of the alternative that lacks fewest)."""

    allowed: bool
    missing: tuple[str, ...] = ()


ALLOWED = Decision(allowed=True)


def decide(rule: Alternatives | None, scopes: frozenset[str]) -> Decision:
    """Decide one rule. `()` needs no scope; `None` (no rule known) is denied."""
    if rule is None:
        return Decision(allowed=False)
    if not rule:
        return ALLOWED
    fewest: tuple[str, ...] | None = None
    for alternative in rule:
        missing = tuple(scope for scope in alternative if scope not in scopes)
        if not missing and alternative:
            return ALLOWED
        if fewest is None or len(missing) < len(fewest):
            fewest = missing
    return Decision(allowed=False, missing=fewest or ())
