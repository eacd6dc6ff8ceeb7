"""`fieldgate sync`: read a school's records from its MIS API.

The API's token is named by the environment variable that holds it: on a command line every user of the machine could
read it. It is never printed.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from authz.audit import Actor
from schema.errors import FieldgateError
from server.cli.database import ByOption, DatabaseOption, JsonOption, PositionOption, actor, settings_for
from server.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from server.sync.client import WondeClient
    from server.sync.connector import Progress
    from server.sync.imports import ImportResult, Wanted

COLUMNS = ("read", "inserted", "updated", "deleted", "unchanged", "refused")

app = typer.Typer(no_args_is_help=True, help="Read a school's records from its MIS API.")


@app.callback()
def connectors() -> None:
    """Read a school's records from its MIS API."""


@app.command()
def wonde(
    base_url: Annotated[str, typer.Option(metavar="URL", help="The API's address, https://HOST/v1.0.")],
    token_env: Annotated[
        str, typer.Option(metavar="NAME", help="The environment variable that holds the API's token.")
    ],
    school: Annotated[str | None, typer.Option(metavar="ID", help="The school, by its id here.")] = None,
    source_school: Annotated[
        str | None, typer.Option(metavar="ID", help="The school, by its id at the API; made here when it is new.")
    ] = None,
    accept_empty: Annotated[
        bool, typer.Option(help="Take a school without any pupil for true, and delete those that are stored.")
    ] = False,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import everything a Wonde-like API says of one school."""
    from server.sync.client import WondeClient
    from server.sync.imports import Wanted

    if school is None and source_school is None:
        raise typer.BadParameter("name the school with --school or --source-school.")
    client = WondeClient(base_url, _token(token_env))
    wanted = Wanted(school, source_school)
    with _shown_progress(quiet=as_json) as progress:
        url = settings_for(database).database_url
        result = asyncio.run(_sync(url, client, wanted, actor(by, position), progress, accept_empty=accept_empty))
    if as_json:
        print_json(
            school=result.school_id, sourceSchool=result.source_id, run=result.run_id, changed=result.changed,
            counts=result.counts, findings=result.findings, declined=result.declined,
        )  # fmt: skip
    else:
        _report(result)


async def _sync(
    url: str, client: "WondeClient", wanted: "Wanted", by: Actor, progress: "Progress", *, accept_empty: bool
) -> "ImportResult":
    from server.database import open_database
    from server.sync.connector import sync_school

    database = open_database(url, pool_size=3)  # the write, the lease's renewal, and one to spare
    try:
        async with client:
            return await sync_school(database, client, wanted, by=by, progress=progress, accept_empty=accept_empty)
    finally:
        await database.close()


def _token(name: str) -> str:
    token = os.environ.get(name, "").strip()
    if not token:
        raise FieldgateError("SETTING_INVALID", f"The environment variable {name} holds no token.")
    return token


@contextlib.contextmanager
def _shown_progress(*, quiet: bool) -> "Iterator[Progress]":
    """A line on the terminal that says what is being read; nothing where nobody looks."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _stage, _count: None
        return
    from rich.progress import Progress as RichProgress
    from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:>8,}"), TimeElapsedColumn()
    with RichProgress(*columns, console=console) as shown:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, count: int) -> None:
            if stage not in tasks:
                for earlier in tasks.values():
                    shown.stop_task(earlier)
                tasks[stage] = shown.add_task(stage, total=None)
            shown.advance(tasks[stage], count)

        yield progress


def _report(result: "ImportResult") -> None:
    print_table(("", *COLUMNS), [(name, *(count[c] for c in COLUMNS)) for name, count in result.counts.items()])
    if result.findings:
        print_table(("finding", "times"), sorted(result.findings.items()))
    for name in result.declined:
        note(f"The MIS API does not supply {name}: what is stored of it stays as it is.")
    note(f"School {result.school_id}, import {result.run_id}: {result.changed} rows changed.")
