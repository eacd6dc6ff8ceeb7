"""A school's revoke never waits long for another school's import, however large that is."""

import json
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from schema.ids import seeded_keys
from server.database import Database
from server.demo.generate import generate_school
from server.sync.connector import import_records
from server.sync.reading import SchoolRecords
from tests.server.sync.conftest import BY

ROOT = Path(__file__).parents[3]
PUPILS = 10_000
LIMIT_SECONDS = 2.0


@cache
def large_school() -> SchoolRecords:
    return generate_school("large", students=PUPILS)


async def test_a_revoke_during_a_sync_of_10_000_pupils_answers_within_2_seconds(
    database: Database, database_url: str
) -> None:
    records = large_school()
    command = [sys.executable, "-m", "tests.server.sync.revoker", database_url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as revoker:  # noqa: ASYNC220
        assert revoker.stdout is not None
        assert revoker.stdout.readline() == "ready\n"
        begun = time.monotonic()
        result = await import_records(database, records, source="test", by=BY, key=seeded_keys("large"))
        took = time.monotonic() - begun
        printed, _ = revoker.communicate(timeout=60)
    decided = json.loads(printed)
    assert result.counts["Student"]["inserted"] == PUPILS
    assert result.counts["student_class"]["inserted"] > 100_000
    assert decided["times"] > 10
    assert decided["slowest"] < LIMIT_SECONDS, f"{decided} during an import of {took:.1f} s"
    print(f"{database.dialect.name}: {decided} during an import of {took:.1f} s")
