"""The only writer of contact accounts: a contact has one sign-in if and only if one of its links is View and Update.

What takes the last access away suspends the sign-in in the same transaction. Runs give sign-ins, and look at dates;
they take schools from a queue, and take away only the request that they saw.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from authz import access, allocation, audit, contact_sessions, secret_links
from authz.access_previews import read_whole_school
from authz.audit import Actor
from authz.id_lists import among, listed
from authz.session import Dialect, ReadSession, Sessions, WriteSession
from schema.ids import new_record_id

ALLOCATOR = Actor("fieldgate")
LETTERS = "23456789chkmqrwx"
"""No vowels, so that no word comes out; nothing that is mistaken for another when it is written or read aloud."""
USERNAME_LENGTH = 9
GROUP = 3
MOST_TYPED = 50
"""Characters that a person may type for a username, blanks and dashes with it; a longer text is none."""
_USERNAME = re.compile("-".join([f"[{LETTERS}]{{{GROUP}}}"] * (USERNAME_LENGTH // GROUP)))
MOST_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class AllocationResult:
    """What a run changed at a school: the contacts of each kind."""

    school_id: str
    allocated: tuple[str, ...]
    restored: tuple[str, ...]
    suspended: tuple[str, ...]

    @property
    def changed(self) -> int:
        """How many sign-ins changed."""
        return len(self.allocated) + len(self.restored) + len(self.suspended)


@dataclass(frozen=True, slots=True)
class Account:
    """A sign-in. `secret_hash` is null until the contact has chosen a secret; a deleted school's are suspended too."""

    school_id: str
    contact_id: str
    id: str
    username: str
    secret_hash: str | None
    suspended: bool


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """A sign-in as a school's office looks at it. `state`: waiting (for a secret), ready or suspended."""

    contact_id: str
    name: str | None
    username: str
    state: str


# Allocation -------------------------------------------------------------------------------------------------------


async def allocate(session: WriteSession, school_id: str) -> AllocationResult:
    """Give every contact of the school with access a sign-in, and take it from every contact without."""
    if not session.dialect.is_sqlite:  # where writers do not queue anyway, two runs of one school must
        await session.fetch(f"SELECT pg_advisory_xact_lock({_LOCK_KEYS})", school_id)
    new, back, lost = await _differing(session, school_id)
    # INVARIANT: rows are locked as everywhere else: accounts, then links and sessions, then the chain's head.
    allocated = await _allocate(session, school_id, new)
    restored = await _restore(session, school_id, back)
    suspended = await _suspend(session, school_id, lost)
    for name, changed in (
        ("sign_in_allocated", allocated),
        ("sign_in_restored", restored),
        ("sign_in_suspended", suspended),
    ):
        await _record(session, name, school_id, changed)
    return AllocationResult(school_id, tuple(sorted(allocated)), tuple(sorted(restored)), tuple(sorted(suspended)))


async def _differing(session: ReadSession, school_id: str) -> tuple[set[str], set[str], set[str]]:
    """The contacts whose sign-ins are not as their links are now: to be given one, to get it back, to lose it."""
    opened = {str(row[0]) for row in await session.fetch(await _opened_sql(session, school_id), school_id)}
    held = {
        str(contact): bool(suspended)
        for contact, suspended in await session.fetch(
            "SELECT contact_id, suspended_at IS NOT NULL FROM contact_account WHERE school_id = ?", school_id
        )
    }
    back = {each for each in opened & held.keys() if held[each]}
    return opened - held.keys(), back, {each for each in held.keys() - opened if not held[each]}


async def _opened_sql(session: ReadSession, school_id: str) -> str:
    """A SELECT of the contacts of the school's links that give access now. Parameter: school id."""
    settings = await access.settings_of(session, school_id)
    return access.opened_sql(session.dialect, settings, "DISTINCT l.contact_id")


async def _allocate(session: WriteSession, school_id: str, contact_ids: Collection[str]) -> dict[str, str]:
    """New accounts for contacts who have none: contact → account. A username that is taken is thrown again."""
    made: dict[str, str] = {}
    wanting = set(contact_ids)
    for _ in range(MOST_ROUNDS):
        if not wanting:
            return made
        ids = {contact: new_record_id("acc", school_id) for contact in sorted(wanting)}
        await session.execute_many(
            "INSERT INTO contact_account (school_id, contact_id, id, username, created_at) "
            f"VALUES (?, ?, ?, ?, {session.dialect.now}) ON CONFLICT DO NOTHING",
            [(school_id, contact, account, new_username()) for contact, account in ids.items()],
        )
        found = await session.fetch(
            f"SELECT contact_id, id FROM contact_account WHERE school_id = ? AND contact_id {among(session.dialect)}",
            school_id,
            listed(wanting),
        )
        made |= {contact: account for contact, account in found if ids[contact] == account}
        wanting -= {contact for contact, _ in found}
    raise RuntimeError("no username is free")


async def _restore(session: WriteSession, school_id: str, contact_ids: Collection[str]) -> dict[str, str]:
    return await _changed(session, school_id, contact_ids, "suspended_at = NULL", "suspended_at IS NOT NULL")


async def _suspend(session: WriteSession, school_id: str, contact_ids: Collection[str]) -> dict[str, str]:
    assignments = f"suspended_at = {session.dialect.now}, secret_hash = NULL, secret_set_at = NULL"
    suspended = await _changed(session, school_id, contact_ids, assignments, "suspended_at IS NULL")
    if suspended:
        await secret_links.void(session, school_id, suspended)
        await contact_sessions.end_all(session, school_id, suspended)
    return suspended


async def _changed(
    session: WriteSession, school_id: str, contact_ids: Collection[str], assignments: str, condition: str
) -> dict[str, str]:
    """Change accounts in one statement: contact → account of those that were as the condition says."""
    if not contact_ids:
        return {}
    if not session.dialect.is_sqlite:  # INVARIANT: in one order, so that a run and a change do not deadlock
        await session.fetch(
            f"SELECT 1 FROM contact_account WHERE school_id = ? AND contact_id {among(session.dialect)} "
            "ORDER BY contact_id FOR UPDATE",
            school_id,
            listed(contact_ids),
        )
    rows = await session.fetch(
        f"UPDATE contact_account SET {assignments} WHERE school_id = ? AND {condition} "
        f"AND contact_id {among(session.dialect)} RETURNING contact_id, id",
        school_id,
        listed(contact_ids),
    )
    return {str(contact): str(account) for contact, account in rows}


async def _record(session: WriteSession, name: str, school_id: str, accounts: Mapping[str, str]) -> None:
    for contact_id, account_id in sorted(accounts.items()):
        details = {"contact": contact_id, "account": account_id}
        await audit.record(session, name, chain=school_id, by=ALLOCATOR, details=details)


# Access that is lost ----------------------------------------------------------------------------------------------


async def suspend_lost(session: WriteSession, school_id: str, contact_id: str | None = None) -> Mapping[str, str]:
    """Suspend at once every sign-in of the school without a link that gives access, or this contact's: contact →
    account. A change calls it when it has written its rows, and `settle` when it has recorded its own event.

    INVARIANT: access that comes back a moment later finds no secret, session or link of before.
    """
    if contact_id is None:
        await read_whole_school(session)
    only = "" if contact_id is None else " AND {}.contact_id = ?"
    given = () if contact_id is None else (contact_id,)
    held = "SELECT a.contact_id FROM contact_account a WHERE a.school_id = ? AND a.suspended_at IS NULL"
    opened = await _opened_sql(session, school_id)
    rows = await session.fetch(
        f"{held}{only.format('a')} EXCEPT {opened}{only.format('l')}", school_id, *given, school_id, *given
    )
    return await _suspend(session, school_id, [str(row[0]) for row in rows])


async def settle(session: WriteSession, school_id: str, lost: Mapping[str, str]) -> None:
    """Record what `suspend_lost` did, and ask for a run. It is the last thing that a change writes."""
    await _record(session, "sign_in_suspended", school_id, lost)
    await allocation.request(session, school_id)


async def suspend(session: WriteSession, school_id: str, contact_id: str) -> None:
    """Suspend the sign-in of a contact who was seen without access, though it may be back: a run restores the rest."""
    await settle(session, school_id, await _suspend(session, school_id, [contact_id]))


# The queue --------------------------------------------------------------------------------------------------------

_LOCK_KEYS = "hashtext('fieldgate allocation'), hashtext(?)"


async def queued(session: ReadSession) -> list[str]:
    """The schools that wait for a run, the longest first."""
    rows = await session.fetch("SELECT school_id FROM contact_allocation ORDER BY requested_at, school_id")
    return [str(row[0]) for row in rows]


async def run_queue(sessions: Sessions) -> list[AllocationResult]:
    """Run every school that waits, each in a transaction of its own. Several processes may do so at once."""
    async with sessions.read() as session:
        waiting = await queued(session)
    done = [await run_school(sessions, school_id) for school_id in waiting]
    return [result for result in done if result is not None]


async def run_school(sessions: Sessions, school_id: str) -> AllocationResult | None:
    """Run one school; None where another process does so now. Its request is taken away if it is still the one seen."""
    async with sessions.write() as session:
        dialect = session.dialect
        if not dialect.is_sqlite:
            [[mine]] = await session.fetch(f"SELECT pg_try_advisory_xact_lock({_LOCK_KEYS})", school_id)
            if not mine:
                return None
        seen = await session.fetch("SELECT request FROM contact_allocation WHERE school_id = ?", school_id)
        result = await allocate(session, school_id)
        for [request] in seen:
            await _take_away(session, school_id, int(request))
        return result


async def _take_away(session: WriteSession, school_id: str, request: int) -> None:
    # INVARIANT: a request whose row another change holds is left: that change may have asked again, and may wait for
    # what this transaction holds.
    free = "" if session.dialect.is_sqlite else " FOR UPDATE SKIP LOCKED"
    await session.execute(
        "DELETE FROM contact_allocation WHERE school_id IN "
        f"(SELECT school_id FROM contact_allocation WHERE school_id = ? AND request = ?{free}) AND request = ?",
        school_id,
        request,
        request,
    )


async def request_by_date(sessions: Sessions, days: int) -> list[str]:
    """Ask for a run of every school where a student began or left within so many days, and a sign-in is to change.

    No commit tells of a date. What there is to do is found out by reading: most schools keep no writer waiting.
    """
    async with sessions.read() as session:
        since = _days_ago(session.dialect, days)
        within = " OR ".join(
            f"({column} >= {since} AND {column} <= {session.dialect.today})"
            for column in ("admission_date", "leaving_date")
        )
        rows = await session.fetch(f"SELECT DISTINCT school_id FROM student WHERE deleted_at IS NULL AND ({within})")
    differing = []
    for school_id in sorted(str(row[0]) for row in rows):
        async with sessions.read() as session:
            if any(await _differing(session, school_id)):
                differing.append(school_id)
    for school_id in differing:
        async with sessions.write() as writer:
            await allocation.request(writer, school_id)
    return differing


def _days_ago(dialect: Dialect, days: int) -> str:
    return f"date('now', '-{days} days')" if dialect.is_sqlite else f"({dialect.today} - {days})"


# Accounts ---------------------------------------------------------------------------------------------------------


async def by_username(session: ReadSession, username: str, *, lock: bool = False) -> Account | None:
    """The account of a username in its canonical form; nobody has what is none, and no database is asked."""
    if _USERNAME.fullmatch(username) is None:
        return None
    return await _one(session, "username = ?", username, lock=lock)


async def of_contact(session: ReadSession, school_id: str, contact_id: str, *, lock: bool = False) -> Account | None:
    """The account of a contact."""
    return await _one(session, "school_id = ? AND contact_id = ?", school_id, contact_id, lock=lock)


async def _one(session: ReadSession, condition: str, *parameters: object, lock: bool) -> Account | None:
    rows = await session.fetch(
        "SELECT school_id, contact_id, id, username, secret_hash, suspended_at IS NOT NULL OR NOT EXISTS (SELECT 1 "
        "FROM school s WHERE s.id = contact_account.school_id AND s.deleted_at IS NULL) FROM contact_account "
        f"WHERE {condition}{session.dialect.row_lock if lock else ''}",
        *parameters,
    )
    for school_id, contact_id, account_id, username, secret_hash, suspended in rows:
        return Account(school_id, contact_id, account_id, username, secret_hash, bool(suspended))
    return None


async def listed_at(session: ReadSession, school_id: str) -> list[AccountSummary]:
    """The school's sign-ins, by the contacts' names."""
    rows = await session.fetch(
        "SELECT a.contact_id, c.forename, c.surname, a.username, CASE WHEN a.suspended_at IS NOT NULL THEN 'suspended' "
        "WHEN a.secret_hash IS NULL THEN 'waiting' ELSE 'ready' END FROM contact_account a "
        "LEFT JOIN contact c ON c.school_id = a.school_id AND c.id = a.contact_id WHERE a.school_id = ?",
        school_id,
    )
    found = [
        AccountSummary(contact_id, " ".join(part for part in (forename, surname) if part) or None, username, state)
        for contact_id, forename, surname, username, state in rows
    ]
    return sorted(found, key=lambda each: ((each.name or "").casefold(), each.username))


async def set_secret(session: WriteSession, account: Account, secret_hash: str) -> None:
    """Give the account another secret; sessions of the one before end."""
    await session.execute(
        f"UPDATE contact_account SET secret_hash = ?, secret_set_at = {session.dialect.now} "
        "WHERE school_id = ? AND contact_id = ? AND suspended_at IS NULL",
        secret_hash, account.school_id, account.contact_id,
    )  # fmt: skip
    await contact_sessions.end_all(session, account.school_id, [account.contact_id])


def new_username() -> str:
    """Nine random characters in three groups, such as `k4m-x2r-93h`."""
    return _grouped(secrets.choice(LETTERS) for _ in range(USERNAME_LENGTH))


def canonical_username(text: str) -> str:
    """A username as it is stored, however a person types it: any case, with or without the dashes.

    INVARIANT: strangers send this, before anything counts them: what is too long costs nothing and is one name.
    """
    if len(text) > MOST_TYPED:
        return ""
    bare = "".join(character for character in text.casefold() if not character.isspace() and character != "-")
    return _grouped(bare) if len(bare) == USERNAME_LENGTH else bare


def _grouped(characters: Iterable[str]) -> str:
    text = "".join(characters)
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))
