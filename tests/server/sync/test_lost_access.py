"""A sync that takes a contact's last access away ends the sign-in: the next sync that gives it back finds nothing."""

from authz import accounts, contact_sessions, presence
from authz.bearer import token_hash
from server.database import Database
from tests.server.sync.conftest import Sync
from tests.server.sync.test_links import facts
from tests.server.sync.wonde import FakeWonde


async def test_access_that_one_sync_takes_and_the_next_gives_back_needs_a_new_secret(
    sync: Sync, api: FakeWonde, database: Database
) -> None:
    school_id = (await sync()).school_id
    await accounts.run_queue(database)
    async with database.write() as session:
        [[contact]] = await session.fetch("SELECT contact_id FROM student_contact WHERE source_id = 'S1:P2'")
        token = (await contact_sessions.begin(session, school_id, contact)).token
        await session.execute("UPDATE contact_account SET secret_hash = 'x', secret_set_at = created_at")

    async def live() -> bool:
        async with database.read() as session:
            return await presence.find_presence(session, token_hash(token)) is not None

    facts(api)["priority"] = 3
    await sync()
    assert await live()
    facts(api, contact=1)["relationship"] = "Aunt"
    await sync()
    assert not await live()
    facts(api, contact=1)["relationship"] = "Mother"
    await sync()
    assert not await live()
    async with database.read() as snapshot:
        rows = await snapshot.fetch("SELECT contact_id FROM contact_account WHERE secret_hash IS NULL")
        events = await snapshot.fetch("SELECT name FROM audit_event WHERE name = 'sign_in_suspended'")
    assert ([row[0] for row in rows], len(events)) == ([contact], 1)
    [result] = await accounts.run_queue(database)
    assert result.restored == (contact,)
