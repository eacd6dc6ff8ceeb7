"""`fieldgate migrate`: create the database's tables, or bring them to this version."""

import asyncio

from server.cli.database import DatabaseOption, JsonOption, settings_for
from server.cli.output import print_json


def migrate(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Create the database's tables, or bring them to this version."""
    from server.migrate import migrate as bring_to_head

    done = asyncio.run(bring_to_head(settings_for(database).database_url))
    if as_json:
        print_json(before=done.before, after=done.after)
    elif done.before == done.after:
        print(f"The database is at revision {done.after} already.")
    else:
        print(f"The database is at revision {done.after} now; before: {done.before or 'no tables'}.")
