"""What every test may ask for: a PostgreSQL, a new database in it, a Chromium.

Each is brought by `make test`; a test that does not ask for one does not start it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import new_database, running_postgres

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The administrator's URL of a PostgreSQL server: FIELDGATE_TEST_POSTGRES_URL, or one started for this session."""
    given = os.environ.get("FIELDGATE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with running_postgres() as url:
        yield url


@pytest.fixture
def fresh_postgres(postgres_url: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database, dropped after the test."""
    with new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser that the set-up found or brought; `make test` writes down where it is."""
    written = ROOT / ".cache" / "chromium-path"
    named = os.environ.get("FIELDGATE_CHROMIUM") or (written.read_text(encoding="utf-8") if written.is_file() else "")
    if not named:
        pytest.fail("No Chromium was set up: run `make test`, or name one with FIELDGATE_CHROMIUM.")
    return Path(named)
