"""Run the server: uvicorn with uvloop and httptools, one process or several on one socket.

Worker processes start anew and read the settings from the environment, so they are written there first. What is logged
is the application's business: uvicorn itself logs no access and no value.
"""

import asyncio
import os
from dataclasses import asdict

from schema.errors import FieldgateError
from server.migrate import pending
from server.settings import Settings

GRACE_SECONDS = 10


def serve(settings: Settings) -> None:
    """Serve until the process is told to stop; refuse a database that is not of this version."""
    import uvicorn

    from server.logs import LIBRARY_LOGGING

    if asyncio.run(pending(settings.database_url)):
        raise FieldgateError("DATABASE_NOT_MIGRATED", "The database is not of this version.")
    os.environ.update(environment(settings))
    uvicorn.run(
        "server.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=LIBRARY_LOGGING,
        server_header=False,
        proxy_headers=False,  # who asks is known from the token alone
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def environment(settings: Settings) -> dict[str, str]:
    """The variables that mean these settings."""
    return {f"FIELDGATE_{name.upper()}": str(value) for name, value in asdict(settings).items()}
