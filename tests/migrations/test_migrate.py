"""`migrate` brings any database to this version once, all or nothing, and says clearly when it cannot."""

import asyncio
import sqlite3
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import migrations.ddl
from migrations import HEAD
from schema.errors import FieldgateError
from server.database import open_database
from server.migrate import Migrated, _prepare_file, migrate, pending

ROOT = Path(__file__).parents[2]


async def test_a_new_database_is_pending_until_it_is_migrated(empty_database: str) -> None:
    assert await pending(empty_database)
    assert await migrate(empty_database) == Migrated(None, HEAD)
    assert not await pending(empty_database)


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    assert await migrate(database_url) == Migrated(HEAD, HEAD)


async def test_two_processes_that_migrate_at_once_take_turns(empty_database: str) -> None:
    program = "import asyncio, sys, server.migrate as m; print(asyncio.run(m.migrate(sys.argv[1])).before)"
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, empty_database, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [(await process.communicate())[0].decode().strip() for process in processes]
    assert sorted(outputs) == [HEAD, "None"]


def test_processes_that_make_the_file_at_once_take_turns_too(tmp_path: Path) -> None:
    for number in range(60):
        file, together = tmp_path / f"{number}.db", threading.Barrier(4)

        def make(file: Path = file, together: threading.Barrier = together) -> None:
            together.wait()
            _prepare_file(file)

        with ThreadPoolExecutor(4) as makers:
            for made in [makers.submit(make) for _ in range(4)]:
                made.result()


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    database = open_database(database_url)
    async with database.write() as session:
        await session.execute("UPDATE alembic_version SET version_num = '9999'")
    await database.close()
    assert await pending(database_url)
    with pytest.raises(FieldgateError) as refusal:
        await migrate(database_url)
    assert refusal.value.code == "DATABASE_NEWER"


async def test_a_migration_that_fails_leaves_nothing_behind(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = migrations.ddl.statements

    def broken(revision: str, dialect: str) -> list[str]:
        return [*whole(revision, dialect), "CREATE TABLE school (id TEXT)"]

    monkeypatch.setattr(migrations.ddl, "statements", broken)
    with pytest.raises(Exception, match="already exists"):
        await migrate(empty_database)
    monkeypatch.undo()
    assert await migrate(empty_database) == Migrated(None, HEAD)


async def test_a_new_sqlite_file_is_private_and_writes_ahead(tmp_path: Path) -> None:
    path = tmp_path / "new" / "fieldgate.db"
    await migrate(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql://localhost/school", "SETTING_INVALID"),
        ("sqlite:///", "SETTING_INVALID"),
        ("sqlite:////proc/fieldgate.db", "DATABASE_UNREACHABLE"),
        ("postgresql://nobody@127.0.0.1:1/school", "DATABASE_UNREACHABLE"),
    ],
)
async def test_a_database_that_cannot_be_opened_is_named_so(url: str, code: str) -> None:
    with pytest.raises(FieldgateError) as refusal:
        await migrate(url)
    assert refusal.value.code == code


async def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be no header of one either" * 20)
    with pytest.raises(FieldgateError) as refusal:
        await migrate(f"sqlite:///{path}")
    assert refusal.value.code == "DATABASE_UNREACHABLE"
    assert path.read_text().startswith("not a database")
