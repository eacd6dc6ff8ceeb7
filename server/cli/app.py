"""`fieldgate app`: apps, the manifests they publish and the tokens they call with."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from authz import apps, tokens
from authz.apps import AppSummary
from authz.clock import read_clock
from authz.session import ReadSession, WriteSession
from authz.tokens import IssuedToken, TokenSummary
from server.cli.database import DatabaseOption, JsonOption, actor, read, write
from server.cli.output import note, print_json, print_table

DEFAULT_LIFE_DAYS = 365.0
AppArgument = Annotated[str, typer.Argument(metavar="APP", help="The app's slug or id.")]

app = typer.Typer(no_args_is_help=True, help="Register apps and give them tokens.")


@app.command()
def register(
    manifest: Annotated[typer.FileBinaryRead, typer.Argument(metavar="MANIFEST", help="A JSON file, or - for stdin.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register an app, or publish a new version of its manifest."""
    from authz.documents import MAX_BYTES
    from authz.manifests import parse

    parsed = parse(manifest.read(MAX_BYTES + 1))
    done = write(database, lambda session: apps.register(session, parsed, by=actor()))
    if as_json:
        print_json(app=done.app, outcome=done.outcome)
    else:
        print(f"{done.outcome.capitalize()}: {done.app.name} ({done.app.slug}), version {done.app.version}.")


@app.command("list")
def list_apps(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the registered apps with their products."""

    async def work(session: ReadSession) -> tuple[list[AppSummary], dict[str, list[str]]]:
        return await apps.listed(session), await apps.products(session)

    found, products = read(database, work)
    if as_json:
        print_json(apps=[{**asdict(one), "products": products[one.id]} for one in found])
    else:
        print_table(
            ("slug", "name", "vendor", "version", "products"),
            [(one.slug, one.name, one.vendor, one.version, ", ".join(products[one.id])) for one in found],
        )


@app.command()
def token(
    name: AppArgument,
    expires_in_days: Annotated[
        float, typer.Option(metavar="N", min=0, max=3650, help="How long the token works.")
    ] = DEFAULT_LIFE_DAYS,
    rotate: Annotated[str | None, typer.Option(metavar="TOKEN_ID", help="The token whose place it takes.")] = None,
    overlap_hours: Annotated[
        float, typer.Option(metavar="N", min=0, max=24 * 90, help="How long the replaced token still works.")
    ] = 24.0,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue a token, and print its secret this once."""

    async def work(session: WriteSession) -> IssuedToken:
        found = await apps.find(session, name)
        ends = await read_clock(session) + timedelta(days=expires_in_days)
        if rotate is None:
            return await tokens.issue(session, found.id, by=actor(), expires_at=ends)
        overlap = timedelta(hours=overlap_hours)
        return await tokens.rotate(session, found.id, rotate, by=actor(), overlap=overlap, expires_at=ends)

    issued = write(database, work)
    if as_json:
        print_json(token=issued)
    else:
        print(issued.secret)
        note(f"Token {issued.id}, valid until {issued.expires_at}. Its secret is shown this once.")


@app.command("tokens")
def list_tokens(name: AppArgument, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List an app's tokens, never their secrets."""

    async def work(session: ReadSession) -> list[TokenSummary]:
        return await tokens.of_app(session, (await apps.find(session, name)).id)

    found = read(database, work)
    if as_json:
        print_json(tokens=found)
    else:
        print_table(
            ("token", "ends with", "state", "created", "expires", "replaces"),
            [(one.id, one.hint, one.state, one.created_at, one.expires_at, one.replaces) for one in found],
        )


@app.command("revoke-token")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The token's id.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a token now."""
    write(database, lambda session: tokens.revoke(session, token_id, by=actor()))
    if as_json:
        print_json(token={"id": token_id, "state": "revoked"})
    else:
        print(f"Revoked {token_id}.")
