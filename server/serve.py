"""Run the server: uvicorn with uvloop and httptools, one process or several on one socket.

Worker processes start anew and read the settings from the environment, so they are written there first. One line says
where the server answers, once it does.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from schema.errors import FieldgateError
from server.logs import LIBRARY_LOGGING
from server.memory import keep_freed_memory
from server.migrate import pending
from server.protocol import BoundedHttpProtocol
from server.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 30
Ready = Callable[[str], None]


def say_ready(url: str) -> None:
    """The one line on the standard output; everything else a server says goes to the log."""
    print(f"fieldgate answers at {url}", flush=True)


def serve(settings: Settings, ready: Ready = say_ready) -> None:
    """Serve until the process is told to stop; refuse a database that is not of this version."""
    if asyncio.run(pending(settings.database_url)):
        raise FieldgateError("DATABASE_NOT_MIGRATED", "The database is not of this version.")
    listener = listen(settings)
    url = address(settings.host, listener)
    os.environ.update(environment(settings))
    config = uvicorn.Config(
        "server.serve:application",
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="on",
        log_config=LIBRARY_LOGGING,
        log_level="error",  # a line for each malformed request would be the callers' to multiply
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is known from the token alone
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    started: OneProcess | SeveralProcesses
    if settings.workers > 1:
        started = SeveralProcesses(config, listener, lambda: ready(url))
        started.run()
    else:
        started = OneProcess(config, lambda: ready(url))
        with contextlib.suppress(KeyboardInterrupt):  # handed on by a server that has stopped in good order
            started.run([listener])
    if not started.was_ready:
        sys.exit(STARTUP_FAILURE)


def application() -> "ASGIApp":
    """The application of one process."""
    from server.app import create_app

    keep_freed_memory()
    return create_app(Settings.from_environment())


def environment(settings: Settings) -> dict[str, str]:
    """The variables that mean these settings."""
    return {f"FIELDGATE_{name.upper()}": str(value) for name, value in asdict(settings).items()}


def listen(settings: Settings) -> socket.socket:
    """The listening socket, made before anything else so that a taken port is refused in a sentence."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise FieldgateError(
            "SETTING_INVALID", f"Nothing can listen at {settings.host}, port {settings.port}: {error.strerror}."
        ) from error
    listener.set_inheritable(True)
    return listener


def address(host: str, listener: socket.socket) -> str:
    """Where the API is, at the port that the socket really has."""
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}/graphql" if ":" in host else f"http://{host}:{port}/graphql"


class OneProcess(uvicorn.Server):
    """A server in this process that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready
        self.was_ready = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.was_ready = True
            self.ready()


class SeveralProcesses(Multiprocess):
    """Workers on one socket; ready when all of them answer."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self.ready = ready
        self.was_ready = False

    def init_processes(self) -> None:
        super().init_processes()
        waiting = list(self.processes)
        while waiting and not self.should_exit.is_set():
            self.handle_signals()
            if not waiting[0].process.is_alive():
                return  # the supervisor finds out why, and stops all
            if waiting[0].is_ready(timeout=1):
                waiting.pop(0)
            else:
                time.sleep(0.05)
        if not waiting:
            self.was_ready = True
            self.ready()
