"""Who is who when ids and UPIs disagree: what a school keeps of a person follows the person, and never a stranger."""

from collections.abc import Mapping

import pytest

from authz import accounts, contact_sessions, presence
from authz.bearer import token_hash
from schema.vocabulary import VIEW_AND_UPDATE
from server.database import Database
from server.sync.findings import Findings
from server.sync.people import known_people
from server.sync.records import Draft
from server.sync.stored import StoredRows, columns_of
from server.sync.supply import MANY
from server.sync.values import Stored
from tests.server.sync.conftest import Rows, Sync
from tests.server.sync.test_access import NO_RULE, ORDERED, OVERRIDDEN, Access
from tests.server.sync.test_blank_facts import larger
from tests.server.sync.wonde import FakeWonde, link

COLUMNS = columns_of("Contact")
UPI = COLUMNS.index("upi")


@pytest.fixture
async def school(sync: Sync, api: FakeWonde, database: Database) -> Access:
    """P2 is the grandmother of S4, to whom the school gave access; P3 is under a court order."""
    api.lists["students"][3]["contacts"]["data"].append(
        link("P2", relationship="Grandmother", priority=5, parental_responsibility=False)
    )
    school = Access(database)
    await school.choose((await sync()).school_id)
    await school.override("S4:P2")
    await accounts.run_queue(database)
    return school


async def signed_in(school: Access, source_id: str) -> str:
    """The token of a session of a contact."""
    async with school.database.write() as session:
        [[contact]] = await session.fetch("SELECT id FROM contact WHERE source_id = ?", source_id)
        return (await contact_sessions.begin(session, school.school, contact)).token


async def session_of(school: Access, token: str) -> str | None:
    """The id of the contact whose session it is, while it lasts."""
    async with school.database.read() as session:
        found = await presence.find_presence(session, token_hash(token))
    return found.principal.contact_id if found else None


def renamed(api: FakeWonde, ids: Mapping[str, str]) -> None:
    """Contacts get other ids at the API; their UPIs and links stay theirs."""
    listed = [one for pupil in api.lists["students"] for one in pupil["contacts"]["data"]]
    for one in [*api.lists["contacts"], *listed]:
        one["id"] = ids.get(one["id"], one["id"])


# At a school -----------------------------------------------------------------------------------------------------


async def test_what_two_contacts_have_follows_them_when_they_swap_ids(
    sync: Sync, api: FakeWonde, school: Access, rows: Rows
) -> None:
    token = await signed_in(school, "P2")
    people, links = await rows("contact", "upi", "id"), await rows("student_contact", "id", "student_id", "contact_id")
    sign_ins = await rows("contact_account", "contact_id", "username", "suspended_at")
    overridden, grandmother = await school.in_force(), await session_of(school, token)
    renamed(api, {"P2": "P3", "P3": "P2"})
    result = await sync()
    assert result.findings == {"ID_CHANGED": 2}
    assert await rows("contact", "upi", "id") == people
    assert await rows("student_contact", "id", "student_id", "contact_id") == links
    assert await rows("contact_account", "contact_id", "username", "suspended_at") == sign_ins
    assert await school.in_force() == overridden
    answers = await school.answers()
    assert (answers["S4:P3"], answers["S3:P2"], answers["S1:P3"][0]) == (OVERRIDDEN, ORDERED, VIEW_AND_UPDATE)
    assert await school.to_review() == []
    assert await session_of(school, token) == grandmother is not None
    assert (await sync()).changed == 0


async def test_three_contacts_who_pass_their_ids_round_keep_their_own(
    sync: Sync, api: FakeWonde, school: Access, rows: Rows
) -> None:
    people, links = await rows("contact", "upi", "id"), await rows("student_contact", "id", "student_id", "contact_id")
    renamed(api, {"P1": "P2", "P2": "P3", "P3": "P1"})
    assert (await sync()).findings == {"ID_CHANGED": 3}
    assert await rows("contact", "upi", "id") == people
    assert await rows("student_contact", "id", "student_id", "contact_id") == links


async def test_a_stranger_under_the_id_of_one_who_is_gone_gets_neither_override_nor_sign_in(
    sync: Sync, api: FakeWonde, school: Access, rows: Rows
) -> None:
    token, [before] = await signed_in(school, "P2"), await rows("contact", "id", "upi", where="source_id = 'P2'")
    api.lists["contacts"][1].update(upi="of nobody", surname="Stranger")
    result = await sync()
    assert result.findings == {"UPI_CHANGED": 1}
    counted = result.counts["Contact"]
    assert (counted["inserted"], counted["deleted"], counted["updated"]) == (1, 1, 0)
    [stranger] = await rows("contact", "id", "upi", where="source_id = 'P2'")
    assert stranger["upi"] == "of nobody"
    assert stranger["id"] != before["id"]
    assert await school.answer("S4:P2") == NO_RULE
    assert await session_of(school, token) is None
    [account] = await rows("contact_account", "contact_id", "suspended_at", where=f"contact_id = '{before['id']}'")
    assert account["suspended_at"] is not None
    [found] = await rows("import_finding", "entity", "source_id", "field", "value", "outcome")
    assert tuple(found.values()) == ("Contact", "P2", "upi", "of nobody", "kept")
    [given] = await accounts.run_queue(school.database)
    assert given.allocated == (stranger["id"],)  # S1 has the stranger as a mother of priority 2
    assert (await sync()).changed == 0


async def test_one_who_comes_back_after_a_stranger_had_the_id_is_the_same_as_before(
    sync: Sync, api: FakeWonde, school: Access, rows: Rows
) -> None:
    [before] = await rows("contact", "id", "upi", where="source_id = 'P2'")
    overridden = await school.in_force()
    api.lists["contacts"][1]["upi"] = "of nobody"
    await sync()
    api.lists["contacts"][1]["upi"] = before["upi"]
    assert (await sync()).findings == {"ID_CHANGED": 1}
    assert await rows("contact", "id", "upi", where="source_id = 'P2'") == [before]
    assert await school.in_force() == overridden
    assert (await school.answer("S4:P2"), await school.to_review()) == (OVERRIDDEN, ["S4:P2"])


async def test_a_pupil_who_is_enrolled_again_while_the_old_id_is_given_to_another_is_the_same(
    sync: Sync, api: FakeWonde, school: Access, rows: Rows
) -> None:
    [before] = await rows("student", "id", "upi", where="source_id = 'S4'")
    api.lists["students"].append(api.lists["students"][3] | {"id": "S9"})
    api.lists["students"][3] = api.lists["students"][3] | {"upi": "of nobody", "contacts": {"data": [link("P3")]}}
    assert (await sync()).findings == {"ID_CHANGED": 1, "UPI_CHANGED": 1}
    assert await rows("student", "id", "upi", where="source_id = 'S9'") == [before]
    assert await school.answer("S9:P2") == OVERRIDDEN


async def test_upis_that_a_mis_computes_anew_change_nobody(
    sync: Sync, api: FakeWonde, rows: Rows, school: Access
) -> None:
    larger(api, 50)
    api.lists["contacts"] = [one for one in api.lists["contacts"] if one["id"].startswith("L")]
    await sync()
    people = await rows("contact", "source_id", "id", where="deleted_at IS NULL")
    for number, one in enumerate([*api.lists["contacts"], *api.lists["students"]]):
        one["upi"] = f"anew-{number}"
    result = await sync()
    assert result.findings == {"UPI_CHANGED": 2}
    told = await rows("import_finding", "entity", "source_id", "field", "value", where="code = 'UPI_CHANGED'")
    assert [tuple(found.values()) for found in told] == [("Contact", None, "upi", "50"), ("Student", None, "upi", "50")]
    assert await rows("contact", "source_id", "id", where="deleted_at IS NULL") == people
    assert result.counts["StudentContact"]["unchanged"] == 50
    assert (await sync()).changed == 0


async def test_the_override_of_nobody_is_lost_where_a_upi_is_blank(sync: Sync, api: FakeWonde, school: Access) -> None:
    in_force = await school.in_force()
    for upi in (None, "another"):
        api.lists["contacts"][1]["upi"] = upi
        assert (await sync()).findings == {}
        assert await school.in_force() == in_force
        assert await school.answer("S4:P2") == OVERRIDDEN


# Pure ------------------------------------------------------------------------------------------------------------


def known(
    before: Mapping[str, str | None], now: Mapping[str, str | None], deleted: tuple[str, ...] = ()
) -> tuple[dict[str, str], dict[str, int]]:
    """Who is known, by the id that each was stored under. `before`, `now`: UPI by id."""
    rows = {f"con_{source}": (f"con_{source}", source, *_values(upi)) for source, upi in before.items()}
    stored = StoredRows(
        dict(rows), {f"con_{source}" for source in deleted}, {source: f"con_{source}" for source in before}
    )
    findings = Findings()
    found = known_people("Contact", stored, {one: Draft(one, (), _values(upi)) for one, upi in now.items()}, findings)
    return {source: own.removeprefix("con_") for source, own in found.items()}, dict(findings.by_code)


def _values(upi: str | None) -> list[Stored]:
    values: list[Stored] = [None] * (len(COLUMNS) - 2)
    values[UPI - 2] = upi
    return values


def many(count: int, letter: str = "u") -> dict[str, str | None]:
    return {str(number): f"{letter}{number}" for number in range(count)}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"1": "a", "2": "b"}, {"1": "a", "2": "b"}, {"1": "1", "2": "2"}),
        ({"1": "a", "2": "b"}, {"1": "b", "2": "a"}, {"1": "2", "2": "1"}),
        ({"1": "a", "2": "b"}, {"1": "b"}, {"1": "2"}),
        ({"1": "a", "2": "b"}, {"1": "b", "2": "b"}, {"2": "2"}),  # 2 is 2; whoever says to be 2 as well is new
        ({"1": "a", "2": "b"}, {"1": "b", "2": None}, {"2": "2"}),
        ({"1": "a", "2": "b"}, {"1": "c", "2": "c"}, {"1": "1", "2": "2"}),  # everybody's is another
        ({"1": "a", "2": "a"}, {"1": "a", "2": "a"}, {"1": "1", "2": "2"}),
        ({"1": "a", "2": "a", "3": "b"}, {"3": "a", "1": "b"}, {"1": "3"}),  # which of the two 3 is, nobody knows
        ({"1": "a", "2": None}, {"1": None, "2": "b"}, {"1": "1", "2": "2"}),
        ({"1": "a"}, {"1": "b"}, {}),
        ({"1": "a"}, {"1": "b", "9": "a"}, {"9": "1"}),
        ({"1": "a", "2": "b", "3": "c"}, {"2": "a", "3": "b", "4": "c", "1": "d"}, {"2": "1", "3": "2", "4": "3"}),
    ],
)  # fmt: skip
def test_who_is_who_by_upi_and_id(
    before: dict[str, str | None], now: dict[str, str | None], expected: dict[str, str]
) -> None:
    assert known(before, now)[0] == expected


def test_a_live_person_is_preferred_to_one_who_is_gone_under_the_same_upi() -> None:
    assert known({"1": "a", "2": "a", "3": "c"}, {"3": "a"}, deleted=("1",))[0] == {"3": "2"}


@pytest.mark.parametrize(
    ("people", "changed", "anew"),
    [
        (5 * MANY, MANY, False), (5 * MANY - 1, MANY, True), (2 * MANY, MANY - 1, False), (MANY - 1, MANY - 1, True),
        (2, 2, True), (2, 1, False), (1, 1, False), (200, 40, False), (200, 41, True),
    ],
)  # fmt: skip
def test_more_than_a_fifth_but_not_a_few_are_upis_computed_anew(people: int, changed: int, anew: bool) -> None:
    found, codes = known(many(people), many(people) | many(changed, "new"))
    assert len(found) == (people if anew else people - changed)
    assert codes == {"UPI_CHANGED": 1 if anew else changed}


def test_a_mis_that_gives_its_ids_away_again_has_not_computed_upis_anew() -> None:
    """All ids start again at 0: those who stay have other ids, and half of them are newcomers."""
    stay = {str(number): f"u{number + 50}" for number in range(50)}
    newcomers = {str(number): f"new{number}" for number in range(50, 100)}
    found, codes = known(many(100), stay | newcomers)
    assert found == {str(number): str(number + 50) for number in range(50)}
    assert codes == {"UPI_CHANGED": 50}


async def test_a_person_whose_upi_alone_is_corrected_keeps_what_the_school_set_by_hand(
    sync: Sync, api: FakeWonde, school: Access, rows: Rows
) -> None:
    """A No Permission that was set against a father must not end with a typo's correction."""
    [grandmother] = [one for one in api.lists["contacts"] if one["id"] == "P2"]
    grandmother["forename"] = "Ada"
    await sync()
    people, overridden = await rows("contact", "id", "source_id"), await school.in_force()
    grandmother["upi"] = "upi-corrected"
    result = await sync()
    assert result.findings == {"UPI_CHANGED": 1}
    assert await rows("contact", "id", "source_id") == people
    assert await school.in_force() == overridden
    assert (await school.answers())["S4:P2"] == OVERRIDDEN
