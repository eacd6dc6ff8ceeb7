"""`fieldgate staff`: tokens with which a school's staff use the API."""

from datetime import timedelta
from typing import Annotated

import typer

from authz import staff
from authz.clock import read_clock
from authz.session import WriteSession
from authz.staff import IssuedStaffToken
from server.cli.database import ByOption, DatabaseOption, JsonOption, actor, read, write
from server.cli.output import note, print_json, print_table

DEFAULT_LIFE_DAYS = staff.DEFAULT_LIFE / timedelta(days=1)
SchoolOption = Annotated[str, typer.Option("--school", metavar="ID", help="The school's id.")]

app = typer.Typer(no_args_is_help=True, help="Give a school's staff tokens for the API.")


@app.command()
def token(
    school: SchoolOption,
    name: Annotated[str, typer.Option(help="The name of the member of staff.")],
    position: Annotated[str | None, typer.Option(metavar="TITLE", help="Their position.")] = None,
    expires_in_days: Annotated[
        float, typer.Option(metavar="N", min=0, max=3650, help="How long the token works.")
    ] = DEFAULT_LIFE_DAYS,
    by: ByOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue a token of an administrator, and print its secret this once."""

    async def work(session: WriteSession) -> IssuedStaffToken:
        ends = await read_clock(session) + timedelta(days=expires_in_days)
        return await staff.issue(session, school, name=name, position=position, by=actor(by), expires_at=ends)

    issued = write(database, work)
    if as_json:
        print_json(token=issued)
    else:
        print(issued.secret)
        note(f"Token {issued.id} of {issued.name}, valid until {issued.expires_at}. Its secret is shown this once.")


@app.command("tokens")
def list_tokens(school: SchoolOption, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List a school's staff tokens, never their secrets."""
    found = read(database, lambda session: staff.of_school(session, school))
    if as_json:
        print_json(tokens=found)
    else:
        print_table(
            ("token", "name", "position", "role", "ends with", "state", "expires"),
            [
                (one.id, one.name, one.position, one.role, one.hint, one.state, one.expires_at)
                for one in found
            ],
        )  # fmt: skip


@app.command("revoke-token")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The token's id.")],
    by: ByOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a token now."""
    write(database, lambda session: staff.revoke(session, token_id, by=actor(by)))
    if as_json:
        print_json(token={"id": token_id, "state": "revoked"})
    else:
        print(f"Revoked {token_id}.")
