"""Run the server: uvicorn with uvloop and httptools, one process or several on one socket.

Worker processes start anew and read the settings from the environment, so they are written there first. No access log:
paths and addresses of a school's traffic are nobody's to keep.
"""

import asyncio
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from schema.errors import FieldgateError
from server.migrate import pending
from server.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GRACE_SECONDS = 10


def serve(settings: Settings) -> None:
    """Serve until the process is told to stop; refuse a database that is not of this version."""
    import uvicorn

    if asyncio.run(pending(settings.database_url)):
        raise FieldgateError("DATABASE_NOT_MIGRATED", "The database is not of this version.")
    os.environ.update(environment(settings))
    uvicorn.run(
        "server.serve:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is known from the token alone
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def application() -> "ASGIApp":
    """The application of one process."""
    from server.app import create_app

    return create_app(Settings.from_environment())


def environment(settings: Settings) -> dict[str, str]:
    """The variables that mean these settings."""
    return {f"FIELDGATE_{name.upper()}": str(value) for name, value in asdict(settings).items()}
