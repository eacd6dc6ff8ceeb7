"""Syncs run against a stand-in for the MIS API, on both databases."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from authz.audit import Actor
from schema.metadata import METADATA
from server.database import Database
from server.sync.client import Patience, WondeClient
from server.sync.connector import sync_school
from server.sync.imports import ImportResult, Wanted
from tests.databases import *  # noqa: F403
from tests.server.sync.wonde import SCHOOL, TOKEN, FakeWonde, served, small_school

BY = Actor("a test")
QUICK = Patience(tries=4, first_wait_seconds=0.001, longest_wait_seconds=0.01, request_seconds=5)
NOT_RECORDS = {"import_run", "import_finding", "school_capability", "alembic_version"}

Sync = Callable[..., Awaitable[ImportResult]]
Digest = Callable[[], Awaitable[str]]
Rows = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def api() -> Iterator[FakeWonde]:
    """The small school, served."""
    with served(small_school()) as api:
        yield api


@pytest.fixture
def sync(api: FakeWonde, database: Database) -> Sync:
    """Syncs the small school, or another that is named."""

    async def run(wanted: Wanted | None = None, **options: Any) -> ImportResult:
        async with WondeClient(api.base_url, TOKEN, QUICK) as client:
            return await sync_school(database, client, wanted or Wanted(source_id=SCHOOL), by=BY, **options)

    return run


@pytest.fixture
def rows(database: Database) -> Rows:
    """Reads some columns of a table, by a condition."""

    async def read(table: str, *columns: str, where: str = "1 = 1") -> list[dict[str, Any]]:
        async with database.read() as session:
            found = await session.fetch(f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY 1, 2")
        return [dict(zip(columns, row, strict=True)) for row in found]

    return read


@pytest.fixture
def digest(database: Database) -> Digest:
    """A digest of every row of every table except the imports' own."""

    async def read() -> str:
        found = hashlib.sha256()
        async with database.read() as session:
            for table in sorted(METADATA.tables.keys() - NOT_RECORDS):
                columns = ", ".join(f'"{column.name}"' for column in METADATA.tables[table].columns)
                listed = [tuple(row) for row in await session.fetch(f"SELECT {columns} FROM {table}")]
                found.update(repr((table, sorted(listed, key=repr))).encode())
        return found.hexdigest()

    return read
