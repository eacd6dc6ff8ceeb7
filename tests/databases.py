"""The conformance fixtures: a test that takes one runs on SQLite and on PostgreSQL.

`empty_database` is a URL of nothing yet; `database_url` is migrated; `database` is open.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.database import Database, open_database
from server.migrate import migrate

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fieldgate.db'}"
    url: str = request.getfixturevalue("fresh_postgres")
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "fieldgate.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def database_url(empty_database: str, migrated_sqlite: Path) -> str:
    """The URL of a migrated database."""
    if empty_database.startswith("sqlite:///"):
        shutil.copy(migrated_sqlite, empty_database.removeprefix("sqlite:///"))
    else:
        asyncio.run(migrate(empty_database))
    return empty_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open, migrated database."""
    opened = open_database(database_url)
    yield opened
    await opened.close()
