"""One step of the set-up: announced, timed, done once, and remembered by a stamp.

A stamp holds the hash of everything its step was made from, so a step is done again exactly when that changed.
What cannot be done ends the run with one sentence that says what is missing; the log keeps the rest.
"""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
LOGS = CACHE / "logs"


class Missing(Exception):
    """Something that this machine does not have; the message is the one sentence that a person reads."""


class Failed(Exception):
    """A command that ended with an error of its own, which it has printed already."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    began = time.monotonic()
    say(f"· {title} …")
    yield
    say(f"  done in {time.monotonic() - began:.1f} s")


def digest(*parts: str | Path) -> str:
    """Hash texts and the contents of files; a file counts with its name, so that a renamed one counts as changed."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        name = part.name if isinstance(part, Path) else ""
        total.update(f"{name}:{len(content)}:".encode())
        total.update(content)
    return total.hexdigest()


def files_under(folder: Path, leaving_out: Iterable[str]) -> list[Path]:
    left_out = set(leaving_out)
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - left_out)
        found += [Path(parent, name) for name in sorted(names)]
    return found


def stamped(stamp: Path, key: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def put_stamp(stamp: Path, key: str) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key, encoding="utf-8")


def quietly(
    name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> str | None:
    """Run a command with its output in a log; give back None when it went well, else what it printed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    with log.open("wb") as out:
        status = subprocess.run(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False
        ).returncode
    return None if status == 0 else log.read_text(encoding="utf-8", errors="replace")


NO_NETWORK = (
    "getaddrinfo",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "NewConnectionError",
    "ConnectTimeoutError",
    "No matching distribution found",
    "network request to",
)


def refusal(name: str, what: str, printed: str) -> Missing:
    """Say in one sentence why fetching something failed; name the log for whoever needs more."""
    log = (LOGS / f"{name}.log").relative_to(ROOT)
    if any(sign in printed for sign in NO_NETWORK):
        return Missing(f"{what} could not be fetched: this machine does not reach its package registry (see {log}).")
    lines = [line.strip() for line in printed.splitlines() if "error" in line.lower()]
    return Missing(f"{what} could not be set up: {lines[-1] if lines else 'the command failed'} (see {log}).")


def carry_out(
    title: str,
    name: str,
    what: str,
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> None:
    """Do one step by one command, or refuse in one sentence that names `what`."""
    with step(title):
        printed = quietly(name, command, env, cwd)
        if printed is not None:
            raise refusal(name, what, printed)


def loudly(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
    """Run a command whose output is for the person at the terminal."""
    status = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False).returncode
    if status != 0:
        raise Failed(status)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one set-up at a time work in this folder: two terminals may run two targets at once."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
