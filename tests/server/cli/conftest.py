"""Commands run on both databases; in this process where it makes no difference, in one of their own where it does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.cli import main
from tests.databases import *  # noqa: F403

ROOT = Path(__file__).parents[3]
PROGRAM = "from server.cli import main; main()"


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Shell = Callable[..., Ran]


@pytest.fixture
def shell(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs a command on a migrated database."""
    monkeypatch.setenv("FIELDGATE_DATABASE_URL", database_url)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(arguments)
        captured = capsys.readouterr()
        status = end.value.code if isinstance(end.value.code, int) else 0
        return Ran(status, captured.out, captured.err)

    return run


def command(*arguments: str) -> list[str]:
    """The command in a process of its own: the installed one, as users run it, where there is one."""
    installed = Path(sys.executable).with_name("fieldgate")
    start = [str(installed)] if installed.exists() else [sys.executable, "-c", PROGRAM]
    return [*start, *arguments]


def environment(database_url: str) -> dict[str, str]:
    """The environment of a command's own process."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "FIELDGATE_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}


def run_process(database_url: str, *arguments: str) -> Ran:
    """Run a command in a process of its own."""
    done = subprocess.run(
        command(*arguments), env=environment(database_url), cwd=ROOT, capture_output=True, text=True, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Prepared:
    """A school's id, and the slug of an app that asks it for something."""

    school: str
    app: str = "maestro"

    @property
    def options(self) -> tuple[str, ...]:
        return "--school", self.school, "--app", self.app


@pytest.fixture
def prepared(shell: Shell) -> Prepared:
    """One school, and Maestro registered."""
    assert shell("app", "register", str(ROOT / "server" / "manifests" / "maestro.json")).status == 0
    return Prepared(shell("school", "add", "Ashby School").out.strip())
