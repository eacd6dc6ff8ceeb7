"""`fieldgate demo`: a server with two invented schools, three apps, staff and a contact, and a way in for each.

Its database lives in a folder of its own and is made once; `--reset` makes it again.
"""

import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schema.errors import FieldgateError
from server.cli.database import JsonOption
from server.cli.output import print_json, print_table
from server.settings import Settings

if TYPE_CHECKING:
    from server.demo.seed import DemoSummary

FILES = ("fieldgate.db", "fieldgate.db-wal", "fieldgate.db-shm", "fieldgate.key")
QUERY = "{ schools { nodes { name students(first: 2) { nodes { forename surname educationDetails { upn } } } } } }"
PORTS_TO_TRY = 20

app = typer.Typer(invoke_without_command=True, help="Serve two invented schools to try the API with.")


@app.callback()
def demo(
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the demo's database is.")] = Path(".demo"),
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port to listen on; by default the first free one.")
    ] = None,
    serve: Annotated[bool, typer.Option(help="Serve until stopped, or only fill the database.")] = True,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the demo's database and make it again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the demo's database if it is not there, print addresses and tokens, and serve."""
    settings = _settings(folder, port, pick=serve)
    if reset:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
    summary = _seed(settings)
    if not serve:
        _print(summary, settings, as_json=as_json)
        return
    from server.serve import serve as serve_until_stopped

    def print_ready(_url: str) -> None:
        _print(summary, settings, as_json=as_json)
        sys.stdout.flush()

    serve_until_stopped(settings, print_ready)


def _settings(folder: Path, port: int | None, *, pick: bool) -> Settings:
    """The environment's settings with the demo's own database; a port that nobody chose gives way to a taken one."""
    given, plain = Settings.from_environment(), Settings()
    chosen = given.port if port is None else port
    if pick and (chosen == 0 or (port is None and chosen == plain.port)):
        chosen = _free_port(given.host, chosen)
    host = f"[{given.host}]" if ":" in given.host else given.host
    place = folder.resolve()
    return replace(
        given,
        database_url=f"sqlite:///{place / 'fieldgate.db'}",
        key_file=place / "fieldgate.key",
        port=chosen,
        base_url=given.base_url if given.base_url != plain.base_url else f"http://{host}:{chosen}",
    )


def _free_port(host: str, first: int) -> int:
    """A port that nobody listens on: links in answers carry it, so it must be known before the server starts."""
    for port in range(first, first + PORTS_TO_TRY) if first else (0,):
        try:
            with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as free:
                return int(free.getsockname()[1])
        except OSError:
            continue
    raise FieldgateError(
        "SETTING_INVALID", f"Ports {first} to {first + PORTS_TO_TRY - 1} are taken; choose with --port."
    )


def _seed(settings: Settings) -> "DemoSummary":
    import asyncio

    from server.database import open_database
    from server.demo.seed import seed_demo
    from server.migrate import migrate

    async def work() -> "DemoSummary":
        await migrate(settings.database_url)
        database = open_database(settings.database_url, pool_size=2)
        try:
            return await seed_demo(database, settings)
        finally:
            await database.close()

    return asyncio.run(work())


def curl(base_url: str, token: str) -> str:
    """A query, ready to be pasted into a shell."""
    body = json.dumps({"query": QUERY})
    return (
        f"curl -s {base_url}/graphql -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{body}'"
    )


def _print_people(summary: "DemoSummary", settings: Settings) -> None:
    names = {school.id: school.name for school in summary.schools}
    for one in summary.staff:
        print(f"{one.name}, {one.position}, {names[one.school_id]}: {one.token}")
    contact = summary.contact
    if contact is not None:
        print(f"{contact.name}, a contact with {contact.students} links: username {contact.username},")
        print(f"    choose a secret at {settings.base_url}{contact.link_path}   (works once)")


def _print(summary: "DemoSummary", settings: Settings, *, as_json: bool) -> None:
    example = curl(settings.base_url, summary.apps[0].token)
    addresses = {
        "graphiql": f"{settings.base_url}/graphql",
        "api": f"{settings.base_url}/graphql",
        "schema": f"{settings.base_url}/schema.graphql",
    }
    if as_json:
        print_json(
            **addresses,
            database=settings.database_url,
            schools=summary.schools,
            apps=summary.apps,
            staff=summary.staff,
            contact=summary.contact,
            curl=example,
        )
        return
    print_table(("school", "name", "pupils"), [(school.id, school.name, school.students) for school in summary.schools])
    print()
    for one in summary.apps:
        print(f"{one.name}: {one.token}")
        for consent in one.consents:
            below = f", {len(consent.missing)} required ones switched off" if consent.missing else ""
            scopes = f" ({consent.scopes} scopes{below})" if consent.state == "approved" else ""
            state = "never asked" if consent.state == "none" else consent.state
            print(f"    {consent.school}: {state}{scopes}")
    print()
    _print_people(summary, settings)
    print()
    print(f"GraphiQL   {addresses['graphiql']}   (in a browser; paste a token)")
    print(f"API        {addresses['api']}")
    print(f"Schema     {addresses['schema']}")
    print()
    print(example)
