"""What each command prints for people and for programs, and with which status it ends."""

import io
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from server.cli import COMMANDS
from tests.manifests import SHIPPED, small
from tests.server.cli.conftest import ROOT, Prepared, Shell

MAESTRO = str(SHIPPED / "maestro.json")


def test_an_app_is_registered_once_and_then_unchanged(shell: Shell) -> None:
    assert shell("app", "register", MAESTRO).out == "Registered: Maestro (maestro), version 1.\n"
    assert shell("app", "register", MAESTRO, "--json").json["outcome"] == "unchanged"
    [app] = shell("app", "list", "--json").json["apps"]
    assert app["id"].startswith("app_")
    assert {**app, "id": ""} == {
        "id": "",
        "slug": "maestro",
        "name": "Maestro",
        "vendor": "Cornerstones Education",
        "version": 1,
        "products": ["core"],
    }
    assert "Cornerstones Education" in shell("app", "list").out


def test_a_manifest_can_come_from_stdin(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(small()).encode())))
    assert shell("app", "register", "-", "--json").json["app"]["slug"] == "lessons"


def test_a_manifest_that_is_wrong_is_refused_with_the_place(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(small(version=0)))
    ran = shell("app", "register", str(path), "--json")
    assert ran.status == 1
    assert ran.json["error"] == {
        "code": "MANIFEST_INVALID",
        "message": "version must be a whole number from 1.",
        "nextStep": "Correct the manifest; docs/manifests.md gives its shape.",
        "place": "version",
    }
    assert ran.err.splitlines() == [ran.json["error"]["message"], ran.json["error"]["nextStep"]]


def test_a_school_is_added_and_listed(shell: Shell) -> None:
    ran = shell("school", "add", "Ashby School", "--timezone", "Europe/Dublin", "--mis", "SIMS")
    school_id = ran.out.strip()
    assert shell("school", "list", "--json").json == {
        "schools": [{"id": school_id, "name": "Ashby School", "timezone": "Europe/Dublin", "mis": "SIMS"}]
    }
    assert school_id in shell("school", "list").out


def test_a_tokens_secret_is_all_of_stdout_and_shown_once(shell: Shell, prepared: Prepared) -> None:
    ran = shell("app", "token", "maestro")
    secret = ran.out.strip()
    assert secret.startswith("fg_")
    assert secret not in ran.err
    listing = shell("app", "tokens", "maestro")
    assert secret[-4:] in listing.out
    assert secret not in listing.out + shell("app", "tokens", "maestro", "--json").out


def test_a_token_is_rotated_with_an_overlap_and_revoked(shell: Shell, prepared: Prepared) -> None:
    old = shell("app", "token", "maestro", "--expires-in-days", "30", "--json").json["token"]
    new = shell("app", "token", "maestro", "--rotate", old["id"], "--overlap-hours", "2", "--json").json["token"]
    assert (new["replaces"], new["appId"]) == (old["id"], old["appId"])
    assert shell("app", "revoke-token", new["id"]).out == f"Revoked {new['id']}.\n"
    states = {token["id"]: token["state"] for token in shell("app", "tokens", "maestro", "--json").json["tokens"]}
    assert states == {old["id"]: "valid", new["id"]: "revoked"}
    again = shell("app", "revoke-token", new["id"], "--json")
    assert (again.status, again.json["error"]["code"]) == (1, "TOKEN_STATE")


def test_a_token_for_no_days_is_expired_at_once(shell: Shell, prepared: Prepared) -> None:
    shell("app", "token", "maestro", "--expires-in-days", "0")
    [token] = shell("app", "tokens", "maestro", "--json").json["tokens"]
    assert token["state"] == "expired"


def test_a_grant_and_a_revoke_say_what_they_changed_and_at_which_epoch(shell: Shell, prepared: Prepared) -> None:
    granted = shell("grant", *prepared.options, "--by", "A. Head", "--position", "Head teacher", "--json").json
    assert len(granted["granted"]) == 19
    assert granted["consent"]["state"] == "approved"
    one = shell("revoke", *prepared.options, "--scope", "students.upn.read", "--json").json
    assert one["revoked"] == ["students.upn.read"]
    assert one["consent"]["epoch"] > granted["consent"]["epoch"]
    whole = shell("revoke", *prepared.options, "--reason", "The school has left.", "--json").json
    assert (whole["consent"]["state"], len(whole["revoked"])) == ("revoked", 18)


def test_grants_lists_consents_with_what_is_missing(shell: Shell, prepared: Prepared) -> None:
    shell("grant", *prepared.options, "--by", "A. Head", "--position", "Head teacher")
    shell("revoke", *prepared.options, "--scope", "students.upn.read")
    for filters in ((), ("--school", prepared.school), ("--app", "maestro"), prepared.options):
        [view] = shell("grants", *filters, "--json").json["consents"]
        assert (view["schoolId"], view["schoolName"], view["app"]) == (prepared.school, "Ashby School", "maestro")
        assert (view["state"], view["inForce"], view["missing"]) == ("approved", True, ["students.upn.read"])
        assert (view["decidedBy"], view["decidedPosition"]) == ("A. Head", "Head teacher")
        assert {"scope", "grantedAt", "grantedBy", "expiresAt"} == set(view["scopes"][0])
    assert "students.upn.read" in shell("grants").out


def test_named_scopes_products_and_an_expiry_reach_the_consent(shell: Shell, prepared: Prepared) -> None:
    shell("app", "register", str(SHIPPED / "juniper-websites.json"))
    options = ("--school", prepared.school, "--app", "juniper-websites", "--product", "email-and-text")
    granted = shell(
        "grant", *options, "--scope", "employees.read", "--scope", "employees.email.read",
        "--expires-at", "2131-07-31T23:00:00+01:00", "--json",
    )  # fmt: skip
    assert granted.json["granted"] == ["employees.email.read", "employees.read"]
    [view] = shell("grants", "--app", "juniper-websites", "--json").json["consents"]
    assert view["products"] == ["email-and-text"]
    assert {scope["expiresAt"] for scope in view["scopes"]} == {"2131-07-31T22:00:00.000000Z"}
    assert view["expiresAt"] is None
    shell("grant", *options, "--expires-at", "2131-01-01")
    [view] = shell("grants", "--app", "juniper-websites", "--json").json["consents"]
    assert view["expiresAt"] == "2131-01-01T00:00:00.000000Z"
    shell("grant", *options, "--expires-at", "never")
    assert shell("grants", "--app", "juniper-websites", "--json").json["consents"][0]["expiresAt"] is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("grant", "--school", "{school}", "--app", "nobody"), "APP_UNKNOWN"),
        (("grant", "--school", "sch_00000000", "--app", "maestro"), "SCHOOL_UNKNOWN"),
        (("grant", "--school", "{school}", "--app", "maestro", "--product", "other"), "PRODUCT_UNKNOWN"),
        (("grant", "--school", "{school}", "--app", "maestro", "--scope", "contacts.read"), "SCOPE_NOT_REQUESTED"),
        (("grant", "--school", "{school}", "--app", "maestro", "--scope", "x"), "SCOPE_UNKNOWN"),
        (("grant", "--school", "{school}", "--app", "maestro", "--expires-at", "2001-01-01"), "EXPIRY_INVALID"),
        (("revoke", "--school", "{school}", "--app", "maestro"), "CONSENT_UNKNOWN"),
        (("grants", "--school", "sch_00000000"), "SCHOOL_UNKNOWN"),
        (("grants", "--app", "nobody"), "APP_UNKNOWN"),
        (("app", "token", "nobody"), "APP_UNKNOWN"),
        (("app", "tokens", "nobody"), "APP_UNKNOWN"),
        (("app", "token", "maestro", "--rotate", "tok_none"), "TOKEN_UNKNOWN"),
        (("app", "revoke-token", "tok_none"), "TOKEN_UNKNOWN"),
        (("school", "add", "Ashby", "--timezone", "Europe/Ashby"), "SCHOOL_INVALID"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_refusal_is_status_1_with_a_sentence_and_a_next_step(
    shell: Shell, prepared: Prepared, arguments: tuple[str, ...], code: str
) -> None:
    filled = [argument.format(school=prepared.school) for argument in arguments]
    ran = shell(*filled, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, code)
    plain = shell(*filled)
    assert (plain.status, plain.out) == (1, "")
    assert plain.err == f"{ran.json['error']['message']}\n{ran.json['error']['nextStep']}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("grant",),
        ("grant", "--school", "x", "--app", "y", "--expires-at", "tomorrow"),
        ("app", "register", "no-such-file.json"),
        ("app", "token", "maestro", "--expires-in-days", "many"),
        ("app", "token", "maestro", "--expires-in-days", "-1"),
        ("app", "nonsense"),
        ("grants", "--nonsense"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(shell: Shell, arguments: tuple[str, ...]) -> None:
    ran = shell(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert "Usage: fieldgate" in ran.err


def test_what_a_manifest_or_a_mis_writes_cannot_move_the_terminals_cursor(shell: Shell, prepared: Prepared) -> None:
    from server.cli.output import plain

    assert plain("Ashby\x1b[2J\x07 School\u202e") == "Ashby\ufffd[2J\ufffd School\ufffd"
    assert plain(None) == ""


def test_the_database_can_be_named_by_an_option(
    shell: Shell, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDGATE_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    assert shell("school", "list", "--json").json["error"]["code"] == "DATABASE_NOT_MIGRATED"
    assert shell("school", "list", "--database", database_url, "--json").json == {"schools": []}
    assert shell("school", "list", "--database", "mysql://x", "--json").json["error"]["code"] == "SETTING_INVALID"


def test_migrate_says_what_it_did(shell: Shell, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'other.db'}"
    assert shell("migrate", "--database", url, "--json").json == {"before": None, "after": "0001"}
    assert shell("migrate", "--database", url).out == "The database is at revision 0001 already.\n"


def test_scopes_lists_the_catalogue_without_a_database(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_DATABASE_URL", "nothing")
    scopes = {scope["scope"]: scope for scope in shell("scopes", "--json").json["scopes"]}
    assert scopes["students.upn.read"] == {
        "scope": "students.upn.read",
        "sensitivity": "personal",
        "description": "Unique Pupil Number.",
        "needs": ["students.read"],
        "coordinates": ["StudentEducationDetails.upn"],
    }
    assert "students.upn.read" in shell("scopes").out


def test_schema_prints_the_published_schema(shell: Shell) -> None:
    from schema.api import sdl

    assert shell("schema").out == sdl()
    assert shell("schema", "--json").json == {"sdl": sdl()}


def test_help_names_every_command(shell: Shell) -> None:
    ran = shell("--help")
    assert ran.status == 0
    named = {line.split()[0] for line in ran.out.partition("Commands:")[2].splitlines() if line.strip()}
    assert named == {name for name, place in COMMANDS.items() if find_spec(place.partition(":")[0])}


def test_every_command_is_described_in_the_operators_page() -> None:
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## The shell")[2]
    described = re.findall(r"`([a-z][a-z -]*)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    assert {words.split()[0] for words in described} == set(COMMANDS)


def test_the_version_is_shown(shell: Shell) -> None:
    ran = shell("--version")
    assert ran.status == 0
    assert ran.out.strip()[0].isdigit()
