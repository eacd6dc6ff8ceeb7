"""Ids as one bound parameter: a set of any size in one statement, written once for both databases."""

from collections.abc import Collection

from authz.audit import canonical_json
from authz.session import Dialect


def among(dialect: Dialect) -> str:
    """SQL: the ids of a bound list; `column IN …`."""
    if dialect.is_sqlite:
        return "(SELECT value FROM json_each(?))"
    return "(SELECT jsonb_array_elements_text(?::text::jsonb))"


def listed(ids: Collection[str]) -> str:
    """A list of ids as `among` takes it."""
    return canonical_json(sorted(ids))
