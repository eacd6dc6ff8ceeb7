"""After a large import PostgreSQL is told to look at the tables again: until it has, it takes a school for a few rows.

Autovacuum would do so within a minute; the queries of that minute took a hundred times as long. SQLite needs none.
"""

import contextlib
from collections.abc import Mapping

from schema.errors import FieldgateError
from schema.registry import REGISTRY
from server.database import Database

LEAST_ROWS = 500
LEAST_SHARE = 0.1
"""A table is looked at when an import added so many rows, and so much of what it was last known to hold."""

KNOWN = "SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = to_regclass(?::text)"


async def refresh(database: Database, counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Look at the tables that this import filled; their names. It is no part of the import and never fails it."""
    if database.dialect.is_sqlite:
        return []
    looked_at: list[str] = []
    for name, count in counts.items():
        table = REGISTRY.entities[name].table if name in REGISTRY.entities else name
        if count["inserted"] < LEAST_ROWS:
            continue
        with contextlib.suppress(FieldgateError):
            async with database.write() as session:  # one short transaction each: its lock ends with it
                [[known]] = await session.fetch(KNOWN, table)
                if count["inserted"] >= LEAST_SHARE * float(known):
                    await session.execute(f"ANALYZE {table}")
                    looked_at.append(table)
    return looked_at
