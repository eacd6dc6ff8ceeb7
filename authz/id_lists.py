"""Ids as one bound parameter: a set of any size in one statement, written once for both databases."""

from collections.abc import Collection

from authz.audit import canonical_json
from authz.session import Dialect


def among(dialect: Dialect) -> str:
    """SQL after a column: it is one of the ids of a bound list.

    On PostgreSQL an array, not a set of rows: the planner takes it for short and uses the column's index.
    """
    if dialect.is_sqlite:
        return "IN (SELECT value FROM json_each(?))"
    return "= ANY (ARRAY(SELECT jsonb_array_elements_text(?::text::jsonb)))"


def listed(ids: Collection[str]) -> str:
    """A list of ids as `among` takes it."""
    return canonical_json(sorted(ids))
