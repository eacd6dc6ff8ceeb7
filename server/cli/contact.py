"""`fieldgate contact`: contacts' sign-ins, the links to choose a secret by, and the updates that contacts submitted."""

import asyncio
from typing import Annotated

import typer

from authz import accounts, record_updates, schools, secret_links
from authz.accounts import AccountSummary, AllocationResult
from authz.record_updates import MOST_LISTED, OpenUpdate
from authz.secret_links import IssuedLink
from authz.session import ReadSession, WriteSession
from schema.ids import school_of
from server.cli.database import (
    ByOption,
    DatabaseOption,
    JsonOption,
    PositionOption,
    actor,
    read,
    settings_for,
    write,
)
from server.cli.output import note, print_json, print_table
from server.database import open_database

SchoolArgument = Annotated[str, typer.Argument(metavar="SCHOOL_ID", help="The school's id.")]

app = typer.Typer(no_args_is_help=True, help="Contacts' sign-ins and what contacts submit.")


@app.command()
def allocate(
    school: Annotated[str | None, typer.Option("--school", metavar="ID", help="Only this school.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give every contact with access a sign-in, and take it from those without. A running server does so by itself."""
    results = asyncio.run(_allocate(settings_for(database).database_url, school))
    if as_json:
        print_json(schools=results)
    else:
        columns = ("school", "allocated", "restored", "suspended")
        rows = [(each.school_id, len(each.allocated), len(each.restored), len(each.suspended)) for each in results]
        print_table(columns, rows)


async def _allocate(url: str, school: str | None) -> list[AllocationResult]:
    opened = open_database(url, pool_size=2)
    try:
        async with opened.read() as session:
            found = [await schools.find(session, school)] if school is not None else await schools.listed(session)
        done = [await accounts.run_school(opened, each.id) for each in found]
        return [result for result in done if result is not None]
    finally:
        await opened.close()


@app.command("list")
def list_accounts(school: SchoolArgument, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List a school's sign-ins: waiting for a secret, ready or suspended."""

    async def work(session: ReadSession) -> list[AccountSummary]:
        return await accounts.listed_at(session, (await schools.find(session, school)).id)

    found = read(database, work)
    if as_json:
        print_json(accounts=found)
    else:
        rows = [(each.contact_id, each.name, each.username, each.state) for each in found]
        print_table(("contact", "name", "username", "state"), rows)


@app.command()
def link(
    contact: Annotated[str, typer.Argument(metavar="CONTACT_ID", help="The contact's id.")],
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a single-use link to choose a secret by, and print it this once. It voids those before it."""

    async def work(session: WriteSession) -> IssuedLink:
        return await secret_links.issue(session, school_of(contact) or "", contact, by=actor(by, position))

    issued = write(database, work)
    url = settings_for(database).base_url + issued.path
    if as_json:
        fields = {"id": issued.id, "contactId": contact, "username": issued.username, "url": url}
        print_json(link={**fields, "expiresAt": issued.expires_at})
    else:
        print(url)
        note(f"For {issued.username}, once, until {issued.expires_at}. It is shown this once: hand it over safely.")


@app.command()
def updates(school: SchoolArgument, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List a school's open updates, the oldest first."""

    async def work(session: ReadSession) -> tuple[list[OpenUpdate], dict[str, str]]:
        school_id = (await schools.find(session, school)).id
        waiting = await record_updates.open_at(session, school_id)
        return waiting, await record_updates.names(session, school_id, waiting)

    waiting, names = read(database, work)
    if as_json:
        print_json(updates=waiting)
        return
    rows = [
        (
            each.id,
            each.submitted_at,
            names.get(each.contact_id),
            names.get(each.student_id or ""),
            each.field,
            each.old_value,
            each.new_value,
        )
        for each in waiting
    ]
    print_table(("update", "submitted", "by", "student", "field", "old", "new"), rows)
    if len(waiting) == MOST_LISTED:
        note(f"These are the oldest {MOST_LISTED}.")


@app.command()
def reject(
    update: Annotated[str, typer.Argument(metavar="UPDATE_ID", help="The update's id.")],
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close an open update without its value."""
    school_id = school_of(update) or ""
    write(database, lambda session: record_updates.reject(session, school_id, update, by=actor(by, position)))
    if as_json:
        print_json(update={"id": update, "state": "REJECTED"})
    else:
        print(f"Rejected {update}.")
