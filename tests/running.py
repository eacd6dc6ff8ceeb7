"""Servers for tests: the real one as a separate process, or the real application in a thread of this one.

Both take a port of the system's choice, are waited for, and are stopped when the block ends.
"""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import uvicorn
from starlette.types import ASGIApp

from server.protocol import BoundedHttpProtocol

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it answers, its main process, and the file that its standard error goes to."""

    origin: str
    pid: int
    errors: Path

    def log(self) -> str:
        """What it has said on its standard error."""
        return self.errors.read_text(encoding="utf-8")


@contextmanager
def running_server(database_url: str, key_file: Path, workers: int = 1, **settings: object) -> Iterator[str]:
    """The origin of a `fieldgate serve` with these settings, as a process of its own."""
    with server_process(database_url, key_file, workers, **settings) as server:
        yield server.origin


@contextmanager
def server_process(database_url: str, key_file: Path, workers: int = 1, **settings: object) -> Iterator[Server]:
    """The same, with what a test of the process itself needs."""
    given = {"database_url": database_url, "key_file": key_file, "workers": workers, "port": 0, **settings}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIELDGATE_")}
    environment |= {f"FIELDGATE_{name.upper()}": str(value) for name, value in given.items()}
    command = [sys.executable, "-c", "from server.cli import main; main()", "serve"]
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "errors"
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=stream, start_new_session=True
            )
        try:
            if process.stdout is None:
                raise RuntimeError("the process has no output")
            server = Server(_origin(process.stdout, errors), process.pid, errors)
            _wait_until_ready(server)
            yield server
        finally:
            _stop(process)


def _origin(output: IO[bytes], errors: Path) -> str:
    """The origin in the line with which the server says that it answers."""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        line = output.readline().decode() if selector.select(START_SECONDS) else ""
    said, _, url = line.strip().rpartition(" ")
    if said != "fieldgate answers at":
        raise RuntimeError(f"The server did not start: {line!r}\n{errors.read_text(encoding='utf-8')}")
    return url.removesuffix("/graphql")


def _wait_until_ready(server: Server) -> None:
    until = time.monotonic() + START_SECONDS
    while httpx.get(f"{server.origin}/readyz").status_code != 200:
        if time.monotonic() > until:
            raise RuntimeError(f"The server is not ready.\n{server.log()}")
        time.sleep(0.05)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The origin of an application that a thread of this process serves, as `fieldgate serve` would."""
    config = uvicorn.Config(
        app, port=0, loop="uvloop", http=BoundedHttpProtocol, ws="none", lifespan="on", log_config=None,
        access_log=False, server_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + START_SECONDS
        while not server.started:
            if time.monotonic() > until or not thread.is_alive():
                raise RuntimeError("The application did not start.")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
