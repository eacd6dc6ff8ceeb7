"""Commands beside a running server and beside each other: a change holds for the next snapshot, and one writer wins."""

import asyncio
import json
import subprocess

from server.database import open_database
from tests.server.cli.conftest import ROOT, Prepared, Shell, command, environment, run_process


def in_force(database_url: str) -> int:
    """How many grants a reader's next snapshot shows."""

    async def count() -> int:
        database = open_database(database_url)
        try:
            async with database.read() as session:
                [[found]] = await session.fetch("SELECT count(*) FROM consent_grant")
                return int(found)
        finally:
            await database.close()

    return asyncio.run(count())


def test_a_revoke_in_another_process_holds_for_the_next_snapshot(
    shell: Shell, prepared: Prepared, database_url: str
) -> None:
    shell("grant", *prepared.options)
    assert in_force(database_url) == 19
    assert run_process(database_url, "revoke", *prepared.options, "--scope", "students.upn.read").status == 0
    assert in_force(database_url) == 18
    assert run_process(database_url, "revoke", *prepared.options).status == 0
    assert in_force(database_url) == 0


def test_a_command_works_while_a_reader_holds_its_snapshot(shell: Shell, prepared: Prepared, database_url: str) -> None:
    async def grant_meanwhile() -> tuple[int, int]:
        database = open_database(database_url)
        async with database.read() as session:
            [[before]] = await session.fetch("SELECT count(*) FROM consent_grant")
            ran = await asyncio.to_thread(run_process, database_url, "grant", *prepared.options)
            [[same]] = await session.fetch("SELECT count(*) FROM consent_grant")
        await database.close()
        assert before == same, "a snapshot does not move"
        return ran.status, int(before)

    assert asyncio.run(grant_meanwhile()) == (0, 0)
    assert in_force(database_url) == 19


def test_of_two_processes_that_end_a_consent_one_wins_and_one_is_refused(
    shell: Shell, prepared: Prepared, database_url: str
) -> None:
    for _ in range(3):
        shell("grant", *prepared.options)
        processes = [
            subprocess.Popen(
                command("revoke", *prepared.options, "--json"),
                env=environment(database_url), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for _ in range(2)
        ]  # fmt: skip
        answers = [json.loads(process.communicate()[0]) for process in processes]
        assert sorted(process.returncode for process in processes) == [0, 1]
        [error] = [answer["error"] for answer in answers if "error" in answer]
        assert error["code"] == "CONSENT_STATE"
    [view] = shell("grants", "--json").json["consents"]
    assert view["state"] == "revoked"
