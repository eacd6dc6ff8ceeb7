"""`fieldgate access` and `fieldgate staff`: what they print, what they refuse, and that servers follow at once."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.errors import ERRORS
from schema.vocabulary import LADDER_ATTRIBUTES, NO_PERMISSION, VIEW_AND_UPDATE
from server.cli.access_output import DRY_RUN
from server.database import Database, open_database
from tests.families import Families
from tests.running import running_server
from tests.server.cli.conftest import ROOT, Shell, environment, run_process
from tests.server.cli.test_start import HEAVY, LIMIT_SECONDS, TRIES
from tests.world import TOKEN, World, write_app

EVERY_ATTRIBUTE = [word for name in LADDER_ATTRIBUTES for word in ("--acknowledge", name)]
HEAD = ("--by", "A. Head", "--position", "Head teacher")


class School:
    """A school with a mother, an aunt and a grandparent, in the database of the shell."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.links: dict[str, str] = {}
        self.id = ""
        self.group = ""

    def do(self, work: Callable[[Families], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            database: Database = open_database(self.url)
            try:
                return await work(Families(database, "shell"))
            finally:
                await database.close()

        return asyncio.run(run())

    async def begin(self, families: Families) -> None:
        await families.begin()
        self.id, self.group = families.school, families.new_id("grp")
        for name, facts in (
            ("Mother", {}),
            ("Father", {"court_order": True}),
            ("Aunt", {"priority": 1}),
            ("Grandparent", {}),
        ):
            student = await families.student(f"Child of {name}", year_id=self.group)
            self.links[name] = await families.link(
                student, await families.contact(name), name, first_relationship_key=name.casefold(), **facts
            )

    def events(self) -> list[tuple[str, str, str | None]]:
        async def read(families: Families) -> Any:
            return await families.rows(
                "SELECT name, actor, actor_position FROM audit_event WHERE school_id = ? ORDER BY seq", self.id
            )

        found: list[tuple[str, str, str | None]] = self.do(read)
        return found


@pytest.fixture
def school(shell: Shell, database_url: str) -> School:
    school = School(database_url)
    school.do(school.begin)
    return school


def answer(shell: Shell, link: str) -> tuple[str, str]:
    found = shell("access", "explain", link, "--json").json["explanation"]["answer"]
    return found["permission"], found["reason"]


# Staff ------------------------------------------------------------------------------------------------------------


def test_a_staff_tokens_secret_is_all_of_stdout_and_shown_once(shell: Shell, school: School) -> None:
    ran = shell("staff", "token", "--school", school.id, "--name", "A. Head", "--position", "Head teacher")
    secret = ran.out.strip()
    assert secret.startswith("fgs_")
    assert secret not in ran.err
    listing = shell("staff", "tokens", "--school", school.id)
    assert secret[-4:] in listing.out
    assert "Head teacher" in listing.out
    [token] = shell("staff", "tokens", "--school", school.id, "--json").json["tokens"]
    assert secret not in listing.out + str(token)
    assert (token["state"], token["role"]) == ("valid", "administrator")
    assert shell("staff", "revoke-token", token["id"], "--by", "Operator").out == f"Revoked {token['id']}.\n"
    again = shell("staff", "revoke-token", token["id"], "--json")
    assert (again.status, again.json["error"]["code"]) == (1, "TOKEN_STATE")
    assert [name for name, *_ in school.events()] == ["staff_token_issued", "staff_token_revoked"]


def test_a_staff_token_for_no_days_is_expired_at_once(shell: Shell, school: School) -> None:
    issued = shell(
        "staff", "token", "--school", school.id, "--name", "A", "--expires-in-days", "0", "--json"
    ).json["token"]  # fmt: skip
    assert issued["schoolId"] == school.id
    assert [token["state"] for token in shell("staff", "tokens", "--school", school.id, "--json").json["tokens"]] == [
        "expired"
    ]


# One link ---------------------------------------------------------------------------------------------------------


def test_an_override_is_set_explained_confirmed_and_cleared(shell: Shell, school: School) -> None:
    link = school.links["Grandparent"]
    assert shell("access", "set", link, "view_and_update", "--note", "Lives with her.", *HEAD).out == (
        f"Set: VIEW_AND_UPDATE on {link}.\n"
    )
    ran = shell("access", "explain", link)
    assert ran.out.startswith("Grandparent Ash (Grandparent) of Child of Grandparent Ash: VIEW_AND_UPDATE, because of")
    for words in ("OVERRIDE", "decides", "A. Head", "Head teacher", "Lives with her.", "gone=false"):
        assert words in ran.out
    found = shell("access", "explain", link, "--json").json
    assert found["explanation"]["override"]["override"] == found["history"][0]
    assert (found["explanation"]["override"]["maskedBy"], found["explanation"]["link"]["id"]) == (None, link)
    assert shell("access", "confirm", link, *HEAD, "--json").json["override"]["confirmedBy"] == "A. Head"
    cleared = shell("access", "clear", link, *HEAD, "--json").json["override"]
    assert (cleared["value"], answer(shell, link)) == (VIEW_AND_UPDATE, (NO_PERMISSION, "NO_RULE_MATCHED"))
    assert school.events() == [
        (name, "A. Head", "Head teacher") for name in ("override_set", "override_confirmed", "override_cleared")
    ]


def test_warnings_name_the_father_with_a_court_order(shell: Shell, school: School) -> None:
    ran = shell("access", "warnings", "--school", school.id)
    assert "Father Ash" in ran.out
    assert "COURT_ORDER_WITH_ACCESS" in ran.out
    assert "1 × COURT_ORDER_WITH_ACCESS: A court order is recorded" in ran.err
    page = shell("access", "warnings", "--school", school.id, "--json").json
    assert [each["link"]["id"] for each in page["warnings"]] == [school.links["Father"]]
    assert (page["counts"]["COURT_ORDER_WITH_ACCESS"], page["more"]) == (1, False)
    shell("access", "set", school.links["Father"], "NO_PERMISSION")
    assert "No link of the school has a warning." in shell("access", "warnings", "--school", school.id).err


# Changes that are shown first -------------------------------------------------------------------------------------


def test_the_source_is_only_previewed_without_yes_and_then_switched_both_ways(shell: Shell, school: School) -> None:
    kept = school.links["Grandparent"]
    shell("access", "set", kept, VIEW_AND_UPDATE)
    dry = shell("access", "source", "sync", "--school", school.id)
    assert (dry.status, DRY_RUN in dry.err) == (0, True)
    assert "One link gains access." in dry.out
    assert "1 × NO_RULE_MATCHED → PRIORITY" in dry.out
    assert "2 links lose access." in dry.out
    assert "--acknowledge COURT_ORDER" in dry.err
    assert answer(shell, school.links["Aunt"]) == (NO_PERMISSION, "NO_RULE_MATCHED")
    seen = shell("access", "preview", "--school", school.id, "--source", "SYNC", "--json").json["preview"]
    assert [each["link"]["id"] for each in seen["gains"]["links"]] == [school.links["Aunt"]]
    assert seen["loses"]["count"] == 2

    refused = shell("access", "source", "SYNC", "--school", school.id, "--yes", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "ACKNOWLEDGEMENT_NEEDED")
    assert refused.json["error"]["attributes"] == [name.upper() for name in LADDER_ATTRIBUTES]
    assert [name for name, *_ in school.events()] == ["override_set"]

    done = shell("access", "source", "SYNC", "--school", school.id, "--yes", *EVERY_ATTRIBUTE, *HEAD, "--json").json
    assert (done["done"], done["settings"]["source"], done["preview"]) == (True, "SYNC", seen)
    assert answer(shell, school.links["Aunt"]) == (VIEW_AND_UPDATE, "PRIORITY")
    assert answer(shell, kept) == (VIEW_AND_UPDATE, "OVERRIDE")
    back = shell("access", "source", "relationship_type", "--school", school.id, "--yes")
    assert back.out.endswith("The source is RELATIONSHIP_TYPE.\n")
    assert answer(shell, school.links["Mother"]) == (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")
    assert answer(shell, kept) == (VIEW_AND_UPDATE, "OVERRIDE")
    assert school.events()[1] == ("contact_access_source_changed", "A. Head", "Head teacher")


def test_settings_are_previewed_and_changed(shell: Shell, school: School) -> None:
    words = ("access", "settings", "--school", school.id, "--court-order-always-denies")
    assert DRY_RUN in shell(*words).err
    assert answer(shell, school.links["Father"]) == (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")
    done = shell(*words, "--yes", "--json").json
    assert (done["settings"]["courtOrderAlwaysDenies"], done["preview"]["loses"]["count"]) == (True, 1)
    assert answer(shell, school.links["Father"]) == (NO_PERMISSION, "COURT_ORDER")
    shown = shell("access", "show", "--school", school.id)
    assert "court_order_always_denies" in shown.out
    assert "Guardian" in shown.out
    known = shell("access", "show", "--school", school.id, "--json").json
    assert known["settings"]["courtOrderAlwaysDenies"] is True
    assert [each["state"] for each in known["capabilities"]] == ["UNKNOWN"] * 5
    shell("access", "settings", "--school", school.id, "--no-court-order-always-denies", "--yes")
    assert answer(shell, school.links["Father"]) == (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")


def test_defaults_are_listed_set_whole_and_applied_to_existing_links_on_demand(shell: Shell, school: School) -> None:
    assert "any other" in shell("access", "defaults", "--school", school.id).out
    known = shell(
        "access", "defaults", "--school", school.id,
        "--set", "Father=view_and_update", "--set", "Aunt=VIEW_AND_UPDATE", "--set", "a=b=NO_PERMISSION", "--json",
    ).json  # fmt: skip
    assert (known["defaultsVersion"], known["defaults"]) == (
        1, {"Father": VIEW_AND_UPDATE, "Aunt": VIEW_AND_UPDATE, "a=b": NO_PERMISSION},
    )  # fmt: skip
    assert answer(shell, school.links["Aunt"]) == (NO_PERMISSION, "NO_RULE_MATCHED")
    dry = shell("access", "apply-defaults", "--school", school.id)
    assert "4 links would take version 1 of the defaults." in dry.out
    assert DRY_RUN in dry.err
    assert answer(shell, school.links["Aunt"]) == (NO_PERMISSION, "NO_RULE_MATCHED")
    done = shell("access", "apply-defaults", "--school", school.id, "--yes", "--json").json["applied"]
    assert (done["done"], done["links"], done["preview"]["gains"]["count"]) == (True, 4, 1)
    assert answer(shell, school.links["Aunt"]) == (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")
    assert shell("access", "defaults", "--school", school.id, "--nobody", "--json").json["defaults"] == {}


def test_many_links_are_set_at_once_only_with_yes(shell: Shell, school: School) -> None:
    words = ("access", "bulk-set", "VIEW_AND_UPDATE", "--school", school.id, "--answer", "no_permission")
    dry = shell(*words)
    assert "2 links would be set to VIEW_AND_UPDATE." in dry.out
    assert DRY_RUN in dry.err
    assert school.events() == []
    done = shell(*words, "--year-group", school.group, "--yes", "--json", *HEAD).json["bulk"]
    assert (done["count"], done["done"], done["preview"]["gains"]["count"]) == (2, True, 2)
    assert school.events() == [("overrides_bulk_set", "A. Head", "Head teacher")]
    assert answer(shell, school.links["Grandparent"]) == (VIEW_AND_UPDATE, "OVERRIDE")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("explain", "lnk_none"), "LINK_UNKNOWN"),
        (("explain", "{gone}"), "LINK_UNKNOWN"),
        (("set", "{gone}", "NO_PERMISSION"), "LINK_UNKNOWN"),
        (("set", "{Aunt}", "NO_PERMISSION", "--note", "x" * 1001), "TEXT_INVALID"),
        (("confirm", "{Aunt}"), "OVERRIDE_UNKNOWN"),
        (("clear", "{Aunt}"), "OVERRIDE_UNKNOWN"),
        (("bulk-set", "NO_PERMISSION", "--school", "{school}"), "FILTER_NEEDED"),
        (("defaults", "--school", "{school}", "--set", "=NO_PERMISSION"), "DEFAULTS_INVALID"),
        (("defaults", "--school", "{school}", "--set", "A=NO_PERMISSION", "--set", "A=NO_PERMISSION"),
         "DEFAULTS_INVALID"),
        (("show", "--school", "sch_00000000"), "SCHOOL_UNKNOWN"),
        (("warnings", "--school", "sch_00000000"), "SCHOOL_UNKNOWN"),
        (("preview", "--school", "sch_00000000"), "SCHOOL_UNKNOWN"),
        (("source", "SYNC", "--school", "sch_00000000"), "SCHOOL_UNKNOWN"),
        (("apply-defaults", "--school", "sch_00000000"), "SCHOOL_UNKNOWN"),
        (("bulk-set", "NO_PERMISSION", "--school", "sch_00000000", "--relationship", "A"), "SCHOOL_UNKNOWN"),
    ],
    ids=range(15),
)  # fmt: skip
def test_refusals_have_a_code_and_a_next_step(shell: Shell, school: School, words: tuple[str, ...], code: str) -> None:
    places = {"school": school.id, "gone": f"lnk_{school.id[4:]}{'0' * 26}", **school.links}
    ran = shell("access", *(word.format(**places) for word in words), "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, code)
    assert ran.json["error"]["nextStep"] == ERRORS[code].next_step
    assert school.events() == []


@pytest.mark.parametrize(
    "words",
    [
        ("set", "lnk_none", "MAYBE"),
        ("source", "BOTH", "--school", "sch_00000000"),
        ("defaults", "--school", "sch_00000000", "--set", "Mother"),
        ("defaults", "--school", "sch_00000000", "--set", "Mother=MAYBE"),
        ("defaults", "--school", "sch_00000000", "--set", "Mother=NO_PERMISSION", "--nobody"),
        ("source", "SYNC", "--school", "sch_00000000", "--acknowledge", "everything"),
    ],
    ids=range(6),
)
def test_wrong_words_are_wrong_usage(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell("access", *words).status == 2


# The next request, in another process ----------------------------------------------------------------------------


def test_the_next_request_of_a_server_follows_what_the_shell_changes(
    database_url: str, school: School, tmp_path: Path
) -> None:
    scopes = ["students.read", "contacts.read", "contacts.access.read"]
    world = World([school.id], "app_shell")

    async def let_an_app_read(families: Families) -> None:
        async with families.database.write() as session:
            await write_app(session, world, {0: scopes})

    school.do(let_an_app_read)
    names = ("Mother", "Aunt", "Grandparent")
    query = "query($id: ID!) { node(id: $id) { ... on StudentContact { access { permission } } } }"
    yes, no = VIEW_AND_UPDATE, NO_PERMISSION

    with running_server(database_url, tmp_path / "key", workers=2) as origin:
        clients = [httpx.Client(base_url=origin, headers={"Authorization": f"Bearer {TOKEN}"}) for _ in range(4)]

        def told() -> set[tuple[str, ...]]:
            """What each of the workers says."""
            found = set()
            for client in clients:
                answers = [
                    client.post("/graphql", json={"query": query, "variables": {"id": school.links[name]}}).json()
                    for name in names
                ]
                found.add(tuple(each["data"]["node"]["access"]["permission"] for each in answers))
            return found

        def change(*words: str) -> None:
            ran = run_process(database_url, "access", *words)
            assert ran.status == 0, ran.out + ran.err

        assert told() == {(yes, no, no)}
        change("set", school.links["Grandparent"], yes)
        assert told() == {(yes, no, yes)}
        change("source", "SYNC", "--school", school.id, "--yes", *EVERY_ATTRIBUTE)
        assert told() == {(no, yes, yes)}
        change("source", "RELATIONSHIP_TYPE", "--school", school.id, "--yes")
        assert told() == {(yes, no, yes)}
        secret = run_process(database_url, "staff", "token", "--school", school.id, "--name", "A. Head").out.strip()
        mutation = "mutation($id: ID!) { clearContactAccess(linkId: $id) { permission history { clearedBy } } }"
        done = httpx.post(
            f"{origin}/graphql",
            json={"query": mutation, "variables": {"id": school.links["Grandparent"]}},
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert done.json() == {
            "data": {"clearContactAccess": {"permission": no, "history": [{"clearedBy": "A. Head"}]}}
        }
        assert told() == {(yes, no, no)}
        for client in clients:
            client.close()


# Start ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(4))
def test_a_small_command_costs_little_and_imports_nothing_heavy(school: School, database_url: str, index: int) -> None:
    words = [
        ("access", "show", "--school", school.id),
        ("access", "set", school.links["Aunt"], NO_PERMISSION),
        ("access", "explain", school.links["Aunt"], "--json"),
        ("staff", "token", "--school", school.id, "--name", "A. Head"),
    ][index]
    program = (
        "import sys, time\nfrom server.cli import main\ntry:\n    main()\nfinally:\n"
        f"    print(time.process_time(), sorted(sys.modules.keys() & set({HEAVY})), file=sys.stderr)"
    )
    spent = []
    for _ in range(TRIES):
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            env=environment(database_url), cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds, _, heavy = done.stderr.splitlines()[-1].partition(" ")
        assert heavy == "[]"
        spent.append(float(seconds))
    assert min(spent) <= LIMIT_SECONDS
