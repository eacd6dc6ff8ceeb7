"""The servers under measurement: one process each, uvicorn with uvloop and httptools, on an address of this machine.

CPU is read from the kernel's clock of the process (all its threads, user and system, in nanoseconds), and of its
children where it has any.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import CannotMeasure
from bench.cases import FIELDGATE, HANDWRITTEN, PERMISSIONS
from bench.data import World
from bench.handwritten import DATABASE

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 10.0
FACTORIES = {HANDWRITTEN: "bench.handwritten:create_app", PERMISSIONS: "bench.permissions.app:create_app"}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """CPU taken since the process began, in user and in system mode."""
        return sum(_cpu_seconds(pid) for pid in _family(self.process.pid))


def _cpu_seconds(pid: int) -> float:
    # The kernel's number of the CPU clock of a process; the C library's clock_getcpuclockid makes the same.
    return time.clock_gettime(~pid << 3 | 2)


def _family(pid: int) -> list[int]:
    listed = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(member for child in " ".join(listed).split() for member in _family(int(child)))]


@contextlib.contextmanager
def running(name: str, world: World, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server on the world's database, ready to answer; stopped when the block ends."""
    if not Path("/proc/self/task").exists():
        raise CannotMeasure("The bench reads CPU times from /proc, which only Linux has.")
    port = free_port()
    # A log is written, but nowhere: the permission classes write hundreds of tracebacks a request.
    with subprocess.Popen(
        command(name, port),
        cwd=ROOT,
        env=environment(name, world, settings or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until_open(name, port, process)
            yield Server(name, port, process)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def command(name: str, port: int) -> list[str]:
    """How the server is started."""
    if name == FIELDGATE:
        return [str(Path(sys.executable).parent / "fieldgate"), "serve", f"--port={port}"]
    options = ["--factory", "--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning"]
    # A loop that is busy for longer than a connection may idle would close it on the request that waits in it.
    options.append("--timeout-keep-alive=60")
    return [sys.executable, "-m", "uvicorn", FACTORIES[name], *options, f"--port={port}"]


def environment(name: str, world: World, settings: Mapping[str, str]) -> dict[str, str]:
    """The server's environment; nothing that the caller's environment says to fieldgate is kept."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FIELDGATE_")}
    if name != FIELDGATE:
        return {**kept, DATABASE: str(world.path), **settings}
    own = {
        "FIELDGATE_DATABASE_URL": world.url,
        "FIELDGATE_KEY_FILE": str(world.path.with_suffix(".key")),
        "FIELDGATE_BASE_URL": "https://fieldgate.example.org",
    }
    return {**kept, **own, **settings}


def wait_until_open(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes connections."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise CannotMeasure(f"The server “{name}” did not start; `{' '.join(command(name, port))}` may say why.")
