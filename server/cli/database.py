"""How a command reaches the database: options that all of them share, one snapshot or one transaction each.

Drivers are imported when a connection is made, and nothing of SQLAlchemy is: small commands must start at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from authz.audit import Actor
from authz.session import ReadSession, WriteSession
from server.database import open_database
from server.settings import Settings

Result = TypeVar("Result")
DatabaseOption = Annotated[
    str | None, typer.Option("--database", metavar="URL", help="Use this database, not FIELDGATE_DATABASE_URL.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; your login name by default.")]
PositionOption = Annotated[
    str | None, typer.Option("--position", metavar="TITLE", help="The position of the person who decides.")
]


def settings_for(database: str | None) -> Settings:
    """The settings of the environment, with the database of the command's option."""
    from dataclasses import replace

    settings = Settings.from_environment()
    return replace(settings, database_url=database) if database else settings


def read(database: str | None, work: Callable[[ReadSession], Awaitable[Result]]) -> Result:
    """What the work finds in one snapshot."""

    async def run() -> Result:
        opened = open_database(settings_for(database).database_url, pool_size=1)
        try:
            async with opened.read() as session:
                return await work(session)
        finally:
            await opened.close()

    return asyncio.run(run())


def write(database: str | None, work: Callable[[WriteSession], Awaitable[Result]]) -> Result:
    """What the work returns; its changes are committed together, or none where it is refused."""

    async def run() -> Result:
        opened = open_database(settings_for(database).database_url, pool_size=1)
        try:
            async with opened.write() as session:
                return await work(session)
        finally:
            await opened.close()

    return asyncio.run(run())


def actor(by: str | None = None, position: str | None = None) -> Actor:
    """Who does it: the named person, or the account that runs the command."""
    return Actor(by or _login_name(), position)


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have
        return "operator"
