"""Contact access from end to end: a MIS API, syncs, the shell, two workers, an app, staff and a contact.

Each change is made in another process or over HTTP, and "next" is exact: what is asked after it has returned obeys it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.vocabulary import LADDER_ATTRIBUTES
from tests.running import running_server
from tests.server.sync.wonde import SCHOOL, TOKEN, FakeWonde, link, served, small_school

ROOT = Path(__file__).resolve().parent.parent.parent
OPEROO = ROOT / "server" / "manifests" / "operoo.json"
CLIENTS = 4
FAMILY = (
    link("P1", relationship="Father", parental_responsibility=False, lives_with_pupil=False, priority=1),
    link("P2", relationship="Grandparent", parental_responsibility=False, lives_with_pupil=False, priority=5),
)
LINKS = """query($id: ID!) { school(id: $id) { studentContacts { nodes {
  id relationship access { permission reason } student { id } contact { id } } } } }"""
SECRET = "three green lorries"
ME = "{ me { username students { id } } }"


class Story:
    """A school that is synced and served, and everybody who asks."""

    def __init__(self, api: FakeWonde, database_url: str, origin: str) -> None:
        self.api, self.database_url, self.origin = api, database_url, origin
        # One connection a client, so that the kernel spreads them over the workers.
        self.clients = [httpx.Client(base_url=origin) for _ in range(CLIENTS)]
        self.school = self.sync()
        self.shell("app", "register", str(OPEROO))
        self.app_token = self.shell("app", "token", "operoo")["token"]["secret"]
        self.shell("grant", "--school", self.school, "--app", "operoo")

    def shell(self, *words: str) -> Any:
        """Run `fieldgate …` as another process; its JSON answer."""
        environment = {**os.environ, "FIELDGATE_DATABASE_URL": self.database_url, "MIS_TOKEN": TOKEN}
        command = [sys.executable, "-c", "from server.cli import main; main()", *words, "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def sync(self) -> str:
        """Sync the school; its id."""
        given = ("--source-school", SCHOOL, "--base-url", self.api.base_url, "--token-env", "MIS_TOKEN")
        school: str = self.shell("sync", "wonde", *given)["school"]
        return school

    def ask(self, query: str, token: str | None, client: int = 0, **variables: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return self.clients[client].post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    def links(self) -> dict[str, dict[str, Any]]:
        """The links as the app sees them, by relationship: the same on every worker."""
        answers = [self.ask(LINKS, self.app_token, number, id=self.school).json() for number in range(CLIENTS)]
        assert all(answer == answers[0] for answer in answers)
        return {each["relationship"]: each for each in answers[0]["data"]["school"]["studentContacts"]["nodes"]}

    def access(self) -> dict[str, tuple[str, str]]:
        """The answers, by relationship."""
        found = {name: each["access"] for name, each in self.links().items()}
        return {name: (each["permission"], each["reason"]) for name, each in found.items()}

    def choose_source(self, source: str) -> None:
        words = [word for name in LADDER_ATTRIBUTES for word in ("--acknowledge", name)]
        self.shell("access", "source", source, "--school", self.school, *words, "--yes")

    def facts(self, student: str, contact: str, **facts: Any) -> None:
        """What the MIS says of a link from now on."""
        [pupil] = [each for each in self.api.lists["students"] if each["id"] == student]
        [one] = [each for each in pupil["contacts"]["data"] if each["id"] == contact]
        one["relationship"] |= facts


@pytest.fixture
def story(database_url: str, tmp_path: Path) -> Iterator[Story]:
    school = small_school()
    for student in school.lists["students"]:
        student["contacts"] = {"data": deepcopy(list(FAMILY)) if student["id"] == "S1" else []}
    with ExitStack() as stack:
        api = stack.enter_context(served(school))
        origin = stack.enter_context(running_server(database_url, tmp_path / "key", workers=2))
        story = Story(api, database_url, origin)
        yield story
        for client in story.clients:
            client.close()


YES, NO = "VIEW_AND_UPDATE", "NO_PERMISSION"


def test_an_answer_follows_source_sync_and_override_from_the_next_request_on(story: Story) -> None:
    new_school = {"Father": (YES, "RELATIONSHIP_DEFAULT"), "Grandparent": (NO, "NO_RULE_MATCHED")}
    assert story.access() == new_school
    story.choose_source("SYNC")
    assert story.access() == {"Father": (YES, "PRIORITY"), "Grandparent": (NO, "NO_RULE_MATCHED")}
    story.choose_source("RELATIONSHIP_TYPE")
    assert story.access() == new_school
    story.choose_source("SYNC")

    staff = story.shell("staff", "token", "--school", story.school, "--name", "Ada Office")["token"]["secret"]
    grandparent = story.links()["Grandparent"]["id"]
    change = """mutation($link: ID!, $permission: ContactPermission!) { setContactAccess(
      linkId: $link, permission: $permission, note: "The child lives there.") { permission reason } }"""
    done = story.ask(change, staff, link=grandparent, permission=YES).json()
    assert done == {"data": {"setContactAccess": {"permission": YES, "reason": "OVERRIDE"}}}
    assert story.access()["Grandparent"] == (YES, "OVERRIDE")

    story.facts("S1", "P2", relationship="Guardian", priority=None, parental_responsibility=None)
    story.sync()
    assert story.access()["Guardian"] == (YES, "OVERRIDE"), "no change in the MIS alters what was set by hand"

    story.facts("S1", "P1", court_order=True)
    story.facts("S1", "P2", court_order=True)
    story.sync()
    assert set(story.access().values()) == {(NO, "COURT_ORDER")}
    story.facts("S1", "P1", court_order=False)
    story.facts("S1", "P2", court_order=False)
    story.sync()
    assert story.access() == {"Father": (YES, "PRIORITY"), "Guardian": (YES, "OVERRIDE")}
    warnings = "query($id: ID!) { accessWarnings(schoolId: $id) { warnings { code link { id } } } }"
    found = story.ask(warnings, staff, id=story.school).json()["data"]["accessWarnings"]["warnings"]
    assert ("OVERRIDE_TO_REVIEW", grandparent) in {(each["code"], each["link"]["id"]) for each in found}

    story.shell("access", "clear", grandparent)
    assert story.access()["Guardian"] == (NO, "NO_RULE_MATCHED")
    assert story.ask(change, story.app_token, link=grandparent, permission=YES).status_code == 401, "an app is no staff"


def test_a_contact_signs_in_sees_one_student_and_is_out_on_the_request_after_access_is_lost(story: Story) -> None:
    father = story.links()["Father"]
    story.shell("contact", "allocate")
    page = story.shell("contact", "link", father["contact"]["id"])["link"]
    code = page["url"][page["url"].index("/sign-in/") :]
    shown = story.clients[0].get(code)
    [token] = re.findall(r'name="token" value="([0-9a-f]+)"', shown.text)
    form = {"token": token, "secret": SECRET, "repeated": SECRET}
    assert story.clients[0].post(code, data=form).status_code == 200
    sign_in = "mutation($name: String!, $secret: String!) { signIn(username: $name, secret: $secret) { token } }"
    signed_in = story.ask(sign_in, None, name=page["username"], secret=SECRET).json()
    session = signed_in["data"]["signIn"]["token"]
    for client in range(CLIENTS):
        me = story.ask(ME, session, client).json()["data"]["me"]
        assert [student["id"] for student in me["students"]] == [father["student"]["id"]]
    assert story.ask(LINKS, session, id=story.school).status_code == 401, "a contact is no app"
    story.shell("access", "set", father["id"], NO)
    refused = [story.ask(ME, session, client) for client in range(CLIENTS)]
    assert {answer.status_code for answer in refused} == {401}
    story.shell("access", "clear", father["id"])
    assert story.access()["Father"][0] == YES
    assert story.ask(ME, session).status_code == 401, "a session that has ended does not come back"
    again = story.ask(sign_in, None, name=page["username"], secret=SECRET).json()
    assert again["data"]["signIn"] is None, "with access comes the same username, and needs a new secret"
