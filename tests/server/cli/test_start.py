"""The small commands start at once: within 0.3 s, with neither the API's schema nor SQLAlchemy imported."""

import subprocess
import sys
import time

import pytest

from tests.server.cli.conftest import ROOT, Prepared, Shell, command, environment

LIMIT_SECONDS = 0.3
TRIES = 5
HEAVY = ("strawberry", "graphql", "sqlalchemy", "sqlmodel", "pydantic", "alembic", "uvicorn", "httpx", "starlette")


def small_commands(prepared: Prepared) -> list[tuple[str, ...]]:
    return [
        ("grant", *prepared.options),
        ("grants",),
        ("revoke", *prepared.options, "--scope", "students.upn.read"),
        ("app", "list"),
        ("app", "token", "maestro"),
        ("app", "tokens", "maestro"),
        ("app", "register", str(ROOT / "server" / "manifests" / "maestro.json")),
        ("school", "list"),
    ]


def seconds(arguments: tuple[str, ...], database_url: str) -> float:
    start = time.perf_counter()
    subprocess.run(command(*arguments), env=environment(database_url), cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - start


@pytest.mark.parametrize("index", range(8))
def test_a_small_command_takes_at_most_0_3_seconds_from_start_to_end(
    shell: Shell, prepared: Prepared, database_url: str, index: int
) -> None:
    arguments = small_commands(prepared)[index]
    if arguments[0] == "revoke":
        shell("grant", *prepared.options)
    best = min(seconds(arguments, database_url) for _ in range(TRIES))
    assert best <= LIMIT_SECONDS, " ".join(arguments)


@pytest.mark.parametrize("index", range(8))
def test_a_small_command_imports_nothing_heavy(shell: Shell, prepared: Prepared, database_url: str, index: int) -> None:
    arguments = small_commands(prepared)[index]
    if arguments[0] == "revoke":
        shell("grant", *prepared.options)
    program = (
        "import sys\nfrom server.cli import main\ntry:\n    main()\nfinally:\n"
        f"    print(sorted(sys.modules.keys() & set({HEAVY})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(database_url), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"
