"""Sign-in: a session while a link is View and Update, one answer for whatever fails, secrets by single-use links."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from authz import accounts, contact_sessions, presence, secret_links, sign_in
from authz.audit import Actor
from authz.bearer import token_hash
from authz.chosen_secrets import LANES, MEMORY_KIB, NOBODYS, PASSES, SecretHashes, check_strength
from authz.door import MOST_NAMES, Door, place
from authz.presence import Presence
from authz.secret_links import IssuedLink
from schema.errors import FieldgateError
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database
from tests.families import Families

OFFICE = Actor("School office")
SECRET = "three green lorries"


class Site:
    """A school with one mother of one student, and what she does."""

    def __init__(self, families: Families, door: Door) -> None:
        self.families = families
        self.database = families.database
        self.door = door

    async def begin(self) -> "Site":
        self.student = await self.families.student()
        self.mother = await self.families.contact()
        self.link = await self.families.link(self.student, self.mother)
        await self.allocate()
        [[self.username]] = await self.families.rows("SELECT username FROM contact_account")
        return self

    async def allocate(self) -> None:
        async with self.database.write() as session:
            await accounts.allocate(session, self.families.school)

    async def issue(self) -> IssuedLink:
        async with self.database.write() as session:
            return await secret_links.issue(session, self.families.school, self.mother, by=OFFICE)

    async def choose(self, secret: str = SECRET) -> None:
        await sign_in.choose_secret(self.database, self.door, (await self.issue()).code, secret)

    async def sign_in(self, username: str | None = None, secret: str = SECRET, address: str | None = None) -> str:
        opened = await sign_in.sign_in(self.database, self.door, username or self.username, secret, address)
        return opened.token

    async def refusal(self, username: str | None = None, secret: str = SECRET, address: str | None = None) -> str:
        with pytest.raises(FieldgateError) as refused:
            await self.sign_in(username, secret, address)
        return f"{refused.value.code}: {refused.value.message}"

    async def presence(self, token: str) -> Presence | None:
        async with self.database.read() as session:
            return await presence.find_presence(session, token_hash(token))

    async def link_is_open(self, code: str) -> bool:
        async with self.database.read() as session:
            return await sign_in.find_link(session, code) is not None


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    door = Door()
    yield await Site(await Families(database).begin(), door).begin()
    door.close()


async def chosen(site: Site, code: str, secret: str = SECRET) -> str:
    """How an attempt to spend a link ends."""
    try:
        await sign_in.choose_secret(site.database, site.door, code, secret)
    except FieldgateError as error:
        return error.code
    return "chosen"


# Links -------------------------------------------------------------------------------------------------------------


async def test_a_link_is_spent_by_the_choice_of_a_secret_and_by_nothing_else(site: Site) -> None:
    issued = await site.issue()
    assert await site.link_is_open(issued.code)
    assert await chosen(site, issued.code, "short") == "SECRET_TOO_WEAK"
    assert await site.link_is_open(issued.code)
    assert await chosen(site, issued.code) == "chosen"
    assert not await site.link_is_open(issued.code)
    assert await chosen(site, issued.code) == "SECRET_LINK_INVALID"
    assert await site.sign_in()


async def test_a_new_link_voids_the_last_and_an_expired_one_is_none(site: Site) -> None:
    first, second = await site.issue(), await site.issue()
    assert await chosen(site, first.code) == "SECRET_LINK_INVALID"
    await site.families.run("UPDATE contact_secret_link SET expires_at = created_at")
    assert await chosen(site, second.code) == "SECRET_LINK_INVALID"
    assert await chosen(site, "x" * 43) == "SECRET_LINK_INVALID"


async def test_of_two_who_spend_a_link_at_once_one_does(site: Site) -> None:
    issued = await site.issue()
    ends = await asyncio.gather(*(chosen(site, issued.code, f"{SECRET} {number}") for number in range(3)))
    assert sorted(ends) == ["SECRET_LINK_INVALID", "SECRET_LINK_INVALID", "chosen"]


async def test_neither_codes_nor_secrets_nor_tokens_are_stored(site: Site) -> None:
    issued = await site.issue()
    await chosen(site, issued.code)
    token = await site.sign_in()
    stored = ""
    for table in ("audit_event", "contact_secret_link", "contact_session", "contact_account"):
        stored += str(await site.families.rows(f"SELECT * FROM {table}"))
    assert [kept for kept in (issued.code, SECRET, token) if kept in stored] == []
    assert token_hash(token) in stored
    assert "$argon2id$" in stored


async def test_a_link_is_for_a_sign_in_that_gives_access_only(site: Site) -> None:
    issued = await site.issue()
    await site.families.override(site.link, NO_PERMISSION)
    assert not await site.link_is_open(issued.code)
    assert await chosen(site, issued.code) == "SECRET_LINK_INVALID"
    for contact in (site.families.new_id("con"), "", "\x00", f"{site.mother}\x00", "\ud800"):
        with pytest.raises(FieldgateError) as refused:
            async with site.database.write() as session:
                await secret_links.issue(session, site.families.school, contact, by=OFFICE)
        assert refused.value.code == "NO_SIGN_IN"


@pytest.mark.parametrize("secret", ["nine char", "x" * 201, "aaaaaaaaaaaa", "AAAAAaaaaaaa", "K4M-X2R-93H", ""])
def test_weak_secrets_are_refused(secret: str) -> None:
    with pytest.raises(FieldgateError) as refused:
        check_strength(secret, "k4m-x2r-93h")
    assert refused.value.code == "SECRET_TOO_WEAK"


def test_other_secrets_are_taken_in_any_script() -> None:
    for secret in ("ten chars!", "x" * 199 + "y", "پنج درخت سبز", "🎒🎒🎒🎒🎒🎒🎒🎒🎒🚌"):
        check_strength(secret, "k4m-x2r-93h")


# Sessions ----------------------------------------------------------------------------------------------------------


async def test_a_session_sees_the_students_whose_links_give_access_at_that_request(site: Site) -> None:
    sibling = await site.families.student("Ben")
    second = await site.families.link(sibling, site.mother)
    await site.choose()
    token = await site.sign_in()
    seen = await site.presence(token)
    assert seen is not None
    assert set(seen.student_ids) == {site.student, sibling}
    await site.families.override(second, NO_PERMISSION)
    seen = await site.presence(token)
    assert seen is not None
    assert seen.student_ids == (site.student,)


async def test_losing_the_last_link_ends_session_and_secret_for_good(site: Site) -> None:
    await site.choose()
    token, other = await site.sign_in(), await site.sign_in()
    await site.families.override(site.link, NO_PERMISSION)
    seen = await site.presence(token)
    assert seen is not None
    assert seen.links == ()
    async with site.database.write() as session:
        await sign_in.lapse(session, seen.principal)
    await site.families.override(site.link, VIEW_AND_UPDATE)
    assert await site.presence(token) is None
    assert await site.refusal() == "SIGN_IN_FAILED: The username and the secret do not open a session."
    await site.allocate()
    assert await site.presence(token) is None
    assert await site.presence(other) is None
    assert await site.refusal() == "SIGN_IN_FAILED: The username and the secret do not open a session."
    await site.choose("another secret")
    assert await site.sign_in(secret="another secret")
    assert await site.families.events("sign_in_suspended", "sign_in_restored") == [
        "sign_in_suspended",
        "sign_in_restored",
    ]


async def test_a_request_that_found_no_access_ends_everything_for_good_though_access_is_back_at_once(
    site: Site,
) -> None:
    """Only a date takes access away without a commit that would have done so itself."""
    await site.choose()
    issued = await site.issue()
    token, other = await site.sign_in(), await site.sign_in()
    seen = await site.presence(token)
    assert seen is not None
    async with site.database.write() as session:
        await sign_in.lapse(session, seen.principal)
    assert await site.presence(token) is None
    assert await site.presence(other) is None
    assert not await site.link_is_open(issued.code)
    assert (await site.refusal()).startswith("SIGN_IN_FAILED")
    [result] = await accounts.run_queue(site.database)
    assert result.restored == (site.mother,)
    await site.choose("another secret")
    assert await site.sign_in(secret="another secret")


async def test_sessions_end_by_sign_out_by_expiry_and_with_a_new_secret(site: Site) -> None:
    await site.choose()
    first, second = await site.sign_in(), await site.sign_in()
    assert await sign_in.sign_out(site.database, token_hash(first))
    assert await sign_in.sign_out(site.database, token_hash(first))
    assert await sign_in.sign_out(site.database, None)
    assert await site.presence(first) is None
    assert await site.presence(second) is not None
    await site.choose("another secret")
    assert await site.presence(second) is None
    third = await site.sign_in(secret="another secret")
    await site.families.run("UPDATE contact_session SET expires_at = created_at WHERE ended_at IS NULL")
    assert await site.presence(third) is None
    await site.sign_in(secret="another secret")
    assert await site.families.rows("SELECT count(*) FROM contact_session") == [(1,)]
    assert await site.families.events("contact_signed_in", "contact_signed_out") == [
        *["contact_signed_in"] * 2,
        "contact_signed_out",
        *["contact_signed_in"] * 2,
    ]


async def test_a_session_lasts_eight_hours_and_its_token_says_what_it_is(site: Site) -> None:
    await site.choose()
    token = await site.sign_in()
    assert token.startswith("fgc_")
    [[created, expires]] = await site.families.rows(
        "SELECT {}, {} FROM contact_session".format(
            *(site.database.dialect.instant_text(name) for name in ("created_at", "expires_at"))
        )
    )
    # The clock is read twice, once for each.
    life = datetime.fromisoformat(expires) - datetime.fromisoformat(created)
    assert abs(life - contact_sessions.LIFE) < timedelta(minutes=1)


async def test_a_username_is_taken_however_it_is_typed(site: Site) -> None:
    await site.choose()
    assert await site.sign_in(site.username.upper().replace("-", " "))


async def test_what_changes_while_the_secret_is_verified_is_seen(site: Site) -> None:
    await site.choose()

    async def change() -> None:
        await asyncio.sleep(0.03)
        await site.families.override(site.link, NO_PERMISSION)

    ended, _ = await asyncio.gather(site.refusal(), change())
    assert ended == "SIGN_IN_FAILED: The username and the secret do not open a session."
    assert await site.families.rows("SELECT count(*) FROM contact_session") == [(0,)]


# Failures ----------------------------------------------------------------------------------------------------------


async def failures(site: Site) -> dict[str, tuple[str, str]]:
    """Username and secret of each kind of attempt that fails: only one of them has the right secret."""
    await site.choose()
    denied, suspended = await site.families.contact(), await site.families.contact()
    for each in (denied, suspended):
        await site.families.link(site.student, each, "Father")
    await site.allocate()
    names = dict(await site.families.rows("SELECT contact_id, username FROM contact_account"))
    [[kept]] = await site.families.rows("SELECT secret_hash FROM contact_account WHERE secret_hash IS NOT NULL")
    await site.families.run("UPDATE contact_account SET secret_hash = ? WHERE contact_id = ?", kept, denied)
    await site.families.run("UPDATE contact_account SET suspended_at = created_at WHERE contact_id = ?", suspended)
    await site.families.run("UPDATE student_contact SET relationship_key = 'aunt' WHERE contact_id = ?", denied)
    return {
        "wrong name": ("chk-chk-chk", SECRET),
        "wrong secret": (site.username, "something else"),
        "suspended": (names[suspended], SECRET),
        "No Permission": (names[denied], SECRET),
    }


async def test_whatever_fails_gets_one_answer_after_about_the_same_work(site: Site) -> None:
    kinds = await failures(site)
    answers, seconds = set(), {}
    for kind, (username, secret) in kinds.items():
        taken = []
        for _ in range(4):
            started = time.perf_counter()
            answers.add(await site.refusal(username, secret))
            taken.append(time.perf_counter() - started)
        seconds[kind] = min(taken)  # the work itself: what else the machine did only adds
    assert answers == {"SIGN_IN_FAILED: The username and the secret do not open a session."}
    assert max(seconds.values()) < 2 * min(seconds.values()), seconds
    assert min(seconds.values()) > 0.02, seconds
    assert await site.families.events("sign_ins_failed", "sign_in_suspended") == []


async def test_failures_of_an_account_enter_the_chain_as_one_summary_an_hour(site: Site) -> None:
    kinds = await failures(site)
    now = 0.0
    site.door._clock = lambda: now
    for username, secret in kinds.values():
        for _ in range(2):
            await site.refusal(username, secret)
    assert await site.door.summarise(site.database) == 0
    now = 3601.0
    assert await site.door.summarise(site.database) == 3
    assert await site.door.summarise(site.database) == 0
    await site.refusal(site.username, "something else")
    assert await site.door.summarise(site.database, everything=True) == 1
    told = await site.families.rows("SELECT details FROM audit_event WHERE name = 'sign_ins_failed' ORDER BY seq")
    assert [('"failures":2' in text, '"failures":1' in text) for (text,) in told] == [(True, False)] * 3 + [
        (False, True)
    ]


async def test_known_and_unknown_usernames_are_bounded_alike(site: Site) -> None:
    await site.choose()
    for name in (site.username, "chk-chk-chk"):
        said = [(await site.refusal(name, "something else")).partition(":")[0] for _ in range(7)]
        assert said == ["SIGN_IN_FAILED"] * 5 + ["TOO_MANY_ATTEMPTS"] * 2
    assert (await site.refusal()).startswith("TOO_MANY_ATTEMPTS")


async def test_attempts_at_once_count_as_many(site: Site) -> None:
    said = await asyncio.gather(*(site.refusal(secret="something else") for _ in range(12)))
    assert sum(each.startswith("SIGN_IN_FAILED") for each in said) == 5


async def test_success_forgets_the_failures_of_its_name(site: Site) -> None:
    await site.choose()
    for _ in range(3):
        for _ in range(3):
            await site.refusal(secret="something else")
        await site.sign_in()


async def test_one_address_is_bounded_whatever_names_it_tries() -> None:
    door = Door(per_address=3)
    names = iter(f"name {number}" for number in range(100))
    try:
        for _ in range(3):
            door.attempt(next(names), "192.0.2.1")
        with pytest.raises(FieldgateError):
            door.attempt(next(names), "192.0.2.1")
        door.attempt(next(names), "192.0.2.2")
        door.attempt(next(names), None)
    finally:
        door.close()


def test_an_address_of_ipv6_counts_as_its_network() -> None:
    assert place("2001:db8:1:2:3::4") == place("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert place("::ffff:192.0.2.1") == place("192.0.2.1") == "192.0.2.1"
    assert place("testclient") == "testclient"


async def test_names_that_nobody_has_do_not_fill_the_memory() -> None:
    door = Door(per_address=0)
    try:
        for number in range(200_000):
            door.attempt(f"name {number}", "192.0.2.1")
        assert len(door._names.counted) == MOST_NAMES
        for _ in range(5):
            door.attempt("name 199999 again", None)
        with pytest.raises(FieldgateError):
            door.attempt("name 199999 again", None)
        door._clock = lambda: time.monotonic() + 3601
        door.attempt("name 199999 again", None)
        assert len(door._names.counted) == 1
    finally:
        door.close()


async def test_attempts_on_one_name_are_counted_for_that_name_alone() -> None:
    digests: dict[bytes, str] = {}
    door = Door(per_address=0)
    try:
        for number in range(2000):
            name = f"name {number}"
            other = digests.setdefault(hashlib.sha256(name.encode()).digest()[:2], name)
            if other == name:
                continue
            for _ in range(5):
                door.attempt(name, None)
            door.attempt(other, None)
            with pytest.raises(FieldgateError):
                door.attempt(name, None)
            return
    finally:
        door.close()
    raise AssertionError("of 2,000 names no two share the first two bytes of a digest")


async def test_what_a_minute_refuses_does_not_use_up_the_hour() -> None:
    now = 0.0
    door = Door(per_address=0, clock=lambda: now)
    taken = []
    try:
        for minute in range(6):
            now = minute * 61.0
            for _ in range(9):
                with contextlib.suppress(FieldgateError):
                    door.attempt("k4m-x2r-93h", None)
                    taken.append(minute)
    finally:
        door.close()
    assert taken == [each for minute in range(4) for each in [minute] * 5]


async def test_attempts_that_a_busy_server_turns_away_do_not_count_against_the_name(site: Site) -> None:
    await site.choose()
    others = [asyncio.create_task(site.door.hashes.make(SECRET)) for _ in range(22)]
    await asyncio.sleep(0)
    said = [(await site.refusal()).partition(".")[0] for _ in range(8)]
    assert said == ["TOO_MANY_ATTEMPTS: Too many secrets are being verified at this moment"] * 8
    await asyncio.gather(*others)
    assert await site.sign_in()


# Hashes ------------------------------------------------------------------------------------------------------------


async def test_two_hashes_are_worked_on_at_a_time_and_only_some_may_wait() -> None:
    hashes = SecretHashes()
    try:
        done = await asyncio.gather(*(hashes.make(SECRET) for _ in range(30)), return_exceptions=True)
        assert sum(isinstance(each, str) for each in done) == 22
        assert {each.code for each in done if isinstance(each, FieldgateError)} == {"TOO_MANY_ATTEMPTS"}
        assert isinstance(await hashes.make(SECRET), str)
    finally:
        hashes.close()


async def test_a_caller_who_leaves_makes_no_room_before_its_work_is_done() -> None:
    hashes = SecretHashes()
    try:
        leaving = [asyncio.create_task(hashes.make(SECRET)) for _ in range(22)]
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        assert hashes._unfinished == 2
        assert await hashes.verify(await hashes.make(SECRET), SECRET)
        assert hashes._unfinished <= 1
    finally:
        hashes.close()


async def test_a_text_too_long_to_be_a_secret_is_refused_without_a_hash(site: Site) -> None:
    await site.choose()
    started = time.perf_counter()
    for secret in ("x" * 950_000, "\N{COMBINING ACUTE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}" * 400_000):
        assert await site.refusal(secret=secret) == "SIGN_IN_FAILED: The username and the secret do not open a session."
        assert await chosen(site, (await site.issue()).code, secret) == "SECRET_TOO_WEAK"
        assert (await site.refusal(secret * 2, secret)).startswith("SIGN_IN_FAILED")
    assert time.perf_counter() - started < 1
    assert site.door.hashes._unfinished == 0


async def test_a_secret_of_the_longest_length_opens_a_session_however_its_characters_are_composed(site: Site) -> None:
    await site.choose("e\N{COMBINING ACUTE ACCENT}\N{COMBINING DOT BELOW}" * 100)
    assert await site.sign_in(secret="\N{LATIN SMALL LETTER E WITH DOT BELOW}\N{COMBINING ACUTE ACCENT}" * 100)


async def test_nobodys_hash_costs_what_every_hash_costs_and_no_secret_is_its() -> None:
    assert NOBODYS.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
    hashes = SecretHashes()
    try:
        made = await hashes.make("Café au lait noir")
        assert made.rsplit("$", 2)[0] == NOBODYS.rsplit("$", 2)[0]
        assert await hashes.verify(made, "Cafe\u0301 au lait noir")
        assert not await hashes.verify(made, "Cafe au lait noir")
        assert not await hashes.verify(None, "")
    finally:
        hashes.close()
