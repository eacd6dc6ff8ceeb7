"""`fieldgate school`: the schools whose data this server holds."""

from typing import Annotated

import typer

from authz import schools
from server.cli.database import ByOption, DatabaseOption, JsonOption, PositionOption, actor, read, write
from server.cli.output import note, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Add and list schools.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The school's name.")],
    timezone: Annotated[str, typer.Option(help="The school's IANA time zone.")] = "Europe/London",
    mis: Annotated[str, typer.Option(help="The name of its MIS.")] = "",
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a school and print its id."""
    school_id = write(
        database,
        lambda session: schools.add(session, name, timezone=timezone, mis=mis, by=actor(by, position)),
    )
    if as_json:
        print_json(school={"id": school_id, "name": name, "timezone": timezone, "mis": mis or None})
    else:
        print(school_id)
        note(f"Added {name}. Next: `fieldgate sync wonde --school {school_id} …`.")


@app.command("list")
def list_schools(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the schools with their ids."""
    found = read(database, schools.listed)
    if as_json:
        print_json(schools=found)
    else:
        print_table(
            ("school", "name", "time zone", "MIS"),
            [(school.id, school.name, school.timezone, school.mis) for school in found],
        )
