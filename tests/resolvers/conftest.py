"""`serving`: the world of `serving.py` behind an engine, on SQLite and on PostgreSQL, written once per module."""

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.databases import DATABASES, migrated_postgres, migrated_sqlite
from tests.postgres import new_database
from tests.resolvers.serving import Serving, serve

__all__ = ["migrated_postgres", "migrated_sqlite"]


@pytest.fixture(scope="module", params=DATABASES)
def module_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated database that a module's tests share."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("serving") / "fieldgate.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template: str = request.getfixturevalue("migrated_postgres")
    with new_database(request.getfixturevalue("postgres_url"), template=template) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def serving(module_database_url: str) -> AsyncIterator[Serving]:
    """The world, on each database in turn. Tests that share it run in the module's event loop."""
    served = await serve(module_database_url)
    yield served
    await served.reader.close()
    await served.database.close()
