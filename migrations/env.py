"""How Alembic runs here: on one connection of the async engine, in one transaction, on either database.

`server.migrate` hands its connection over; the `alembic` command (to draft a migration) opens the configured database
itself.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection

from schema.metadata import METADATA
from server.migrate import engine_for
from server.settings import Settings


def run(connection: Connection) -> None:
    """Bring the database to the wanted revision, all of it or nothing."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        compare_server_default=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_on_configured_database() -> None:
    """For the `alembic` command."""
    engine = engine_for(Settings.from_environment().database_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


handed_over = context.config.attributes.get("connection")
if handed_over is None:
    asyncio.run(run_on_configured_database())
else:
    run(handed_over)
