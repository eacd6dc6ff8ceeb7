"""What tests of the server ask for: both databases, and the real application over a small world on SQLite.

`site` is shared by the tests of a module, so none of them may change its data.
"""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.registry import REGISTRY
from server.app import create_app
from server.database import open_database
from server.settings import Settings
from tests.databases import *  # noqa: F403
from tests.running import served
from tests.world import TOKEN, World, make_world, write_app

GRAPHQL_RESPONSE = "application/graphql-response+json"
ALMOST_ALL = [name for name in REGISTRY.scopes if name != "students.upn.read"]
"""What the second school of the small world grants."""


def fill(database_url: str) -> World:
    """Write the small world: its first school grants everything, its second everything but UPNs."""
    world = make_world()

    async def write() -> None:
        database = open_database(database_url)
        async with database.write() as session:
            await world.write(session)
            await write_app(session, world, {0: REGISTRY.scopes, 1: ALMOST_ALL})
        await database.close()

    asyncio.run(write())
    return world


@dataclass(frozen=True)
class Site:
    """A running application, its world, and a client that is connected to it."""

    origin: str
    world: World
    client: httpx.Client

    def ask(self, query: str, *, token: str | None = TOKEN, **more: Any) -> httpx.Response:
        """POST a query as an app does; `headers` and other members of the body may be given."""
        headers: Mapping[str, str] = more.pop("headers", {})
        return self.post({"query": query, **more}, token=token, headers=headers)

    def post(self, body: Any, *, token: str | None = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """POST any JSON."""
        given = {"Accept": GRAPHQL_RESPONSE, **(headers or {})}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        return self.client.post("/graphql", json=body, headers=given)


@dataclass(frozen=True)
class Filled:
    """A SQLite file with the small world; copied before anything is changed."""

    path: Path
    world: World

    def settings(self, folder: Path, **more: Any) -> Settings:
        """Settings of a server on a copy of it."""
        folder.mkdir(exist_ok=True)
        shutil.copy(self.path, folder / "fieldgate.db")
        return Settings(database_url=f"sqlite:///{folder / 'fieldgate.db'}", key_file=folder / "key", **more)


@pytest.fixture(scope="session")
def filled(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """The small world on SQLite."""
    path = tmp_path_factory.mktemp("filled") / "fieldgate.db"
    shutil.copy(migrated_sqlite, path)
    return Filled(path, fill(f"sqlite:///{path}"))


@pytest.fixture(scope="module")
def site(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The real application over real sockets."""
    settings = filled.settings(tmp_path_factory.mktemp("site"))
    with served(create_app(settings)) as origin, httpx.Client(base_url=origin) as client:
        yield Site(origin, filled.world, client)


def code_of(response: httpx.Response) -> str:
    """The code of the only error, in an answer without data."""
    body = response.json()
    assert list(body) == ["errors"], body
    (error,) = body["errors"]
    assert error["message"]
    assert error["extensions"]["nextStep"]
    code: str = error["extensions"]["code"]
    return code
