"""The page of a secret link, over real HTTP: a look spends nothing, and its code stays a secret."""

import asyncio
import base64
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from authz import allocation, secret_links
from authz.audit import Actor
from authz.secret_links import IssuedLink
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.app import Application
from server.database import Database
from server.logs import open_log
from server.settings import Settings
from tests.families import Families
from tests.running import served

SECRET = "three green lorries"
SIGN_IN = "mutation($name: String!, $secret: String!) { signIn(username: $name, secret: $secret) { token } }"
ME = "{ me { username students { id } } }"


class Site:
    """A running server, its log, and a school with one mother of one student."""

    def __init__(self, families: Families, origin: str, log: io.BytesIO) -> None:
        self.families = families
        self.origin = origin
        self.log = log
        self.client = httpx.AsyncClient(base_url=origin)

    async def begin(self) -> "Site":
        self.mother = await self.families.contact()
        self.link = await self.families.link(await self.families.student(), self.mother)
        await self.families.session_of(self.mother)
        [[self.username]] = await self.families.rows("SELECT username FROM contact_account")
        return self

    async def issue(self) -> IssuedLink:
        async with self.families.database.write() as session:
            return await secret_links.issue(session, self.families.school, self.mother, by=Actor("School office"))

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return answer.json()

    async def sign_in(self, secret: str = SECRET) -> Any:
        return await self.ask(SIGN_IN, name=self.username, secret=secret)

    async def choose(self, link: IssuedLink, secret: str = SECRET, **more: Any) -> httpx.Response:
        """Open the page and send its form."""
        token = token_in((await self.client.get(link.path)).text)
        return await self.client.post(link.path, data={"token": token, "secret": secret, "repeated": secret} | more)


def token_in(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    return found[1] if found else ""


def settings_of(url: str, folder: Path, **more: Any) -> Settings:
    return Settings(database_url=url, key_file=folder / "key", access_log=True, **more)


@pytest.fixture
async def site(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    families = await Families(database).begin('Ashby <School> & "Sixth Form"')
    log = io.BytesIO()
    with served(Application(settings_of(database_url, tmp_path), open_log(log))) as origin:
        opened = await Site(families, origin, log).begin()
        yield opened
        await opened.client.aclose()


async def test_a_look_spends_nothing_and_the_form_spends_the_link_once(site: Site) -> None:
    link = await site.issue()
    for method in ("GET", "HEAD", "GET"):
        assert (await site.client.request(method, link.path)).status_code == 200
    page = (await site.client.get(link.path)).text
    assert "Ashby &lt;School&gt; &amp; &#34;Sixth Form&#34;" in page
    assert site.username in page
    assert "<script" not in page
    done = await site.choose(link)
    assert (done.status_code, site.username in done.text) == (200, True)
    again = await site.client.post(link.path, data={"token": token_in(page), "secret": SECRET, "repeated": SECRET})
    assert again.status_code == 404
    assert (await site.sign_in())["data"]["signIn"]["token"].startswith("fgc_")
    assert await site.families.events("secret_link_used") == ["secret_link_used"]


async def test_links_that_cannot_be_used_have_one_page(site: Site) -> None:
    voided, spent = await site.issue(), await site.issue()
    assert (await site.choose(spent)).status_code == 200
    expired = await site.issue()
    await site.families.run("UPDATE contact_secret_link SET expires_at = created_at WHERE id = ?", expired.id)
    paths = [
        voided.path,
        spent.path,
        expired.path,
        *(secret_links.PATH + code for code in ("x" * 43, "x" * 5000, "%00")),
    ]
    pages = [await site.client.get(path) for path in paths]
    assert {(page.status_code, page.text) for page in pages} == {(404, pages[0].text)}
    assert "set-cookie" not in pages[0].headers
    assert site.username not in pages[0].text


async def test_a_form_without_the_pages_token_is_refused_and_spends_nothing(site: Site) -> None:
    link = await site.issue()
    token = token_in((await site.client.get(link.path)).text)
    form = {"secret": SECRET, "repeated": SECRET}
    stranger = httpx.AsyncClient(base_url=site.origin)
    for client, given, headers in (
        (site.client, form, {}),
        (site.client, form | {"token": ""}, {}),
        (site.client, form | {"token": "é" + token[1:]}, {}),
        (site.client, form | {"token": "0" * 64}, {}),
        (stranger, form | {"token": token}, {}),  # without the cookie
        (site.client, form | {"token": token}, {"Sec-Fetch-Site": "cross-site"}),
        (site.client, form | {"token": token, "padding": "x" * 20_000}, {}),
    ):
        assert (await client.post(link.path, data=given, headers=headers)).status_code == 403
    as_json = await site.client.post(link.path, json=form | {"token": token})
    twice = await site.client.post(
        link.path, content=f"token={token}&token={token}", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert as_json.status_code == twice.status_code == 403
    await stranger.aclose()
    assert (await site.client.post(link.path, data=form | {"token": token})).status_code == 200


async def test_a_token_is_of_one_link(site: Site) -> None:
    first = await site.issue()
    token = token_in((await site.client.get(first.path)).text)
    second = await site.issue()
    answer = await site.client.post(second.path, data={"token": token, "secret": SECRET, "repeated": SECRET})
    assert answer.status_code == 403
    assert (await site.choose(second)).status_code == 200


@pytest.mark.parametrize(
    ("secret", "more", "says"),
    [
        ("short", {}, "from 10 to 200 characters"),
        ("aaaaaaaaaaaa", {}, "one character again and again"),
        (SECRET, {"repeated": "something else"}, "not the same"),
    ],
)
async def test_what_is_wrong_with_a_password_is_said_on_the_page_and_can_be_put_right(
    site: Site, secret: str, more: dict[str, str], says: str
) -> None:
    link = await site.issue()
    answer = await site.choose(link, secret, **more)
    assert (answer.status_code, says in answer.text) == (400, True)
    assert secret not in answer.text
    token = token_in(answer.text)
    done = await site.client.post(link.path, data={"token": token, "secret": SECRET, "repeated": SECRET})
    assert done.status_code == 200


async def test_the_page_is_strict_and_leaves_no_trace(site: Site) -> None:
    link = await site.issue()
    shown = await site.client.get(link.path)
    done = await site.choose(link)
    gone = await site.client.get(link.path)
    for answer in (shown, done, gone):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert link.code not in answer.text + str(answer.headers)
    cookie = shown.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/sign-in/" in cookie
    assert "; secure" not in cookie  # this server's address is not https
    lines = [json.loads(line) for line in site.log.getvalue().splitlines()]
    assert {line["path"] for line in lines} >= {secret_links.PATH}
    assert link.code not in site.log.getvalue().decode()
    assert SECRET not in site.log.getvalue().decode()


async def test_the_cookie_is_for_https_only_where_the_address_is(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    families = await Families(database).begin()
    settings = settings_of(database_url, tmp_path, base_url="https://fieldgate.example")
    with served(Application(settings, open_log(io.BytesIO()))) as origin:
        site = await Site(families, origin, io.BytesIO()).begin()
        assert "; secure" in (await site.client.get((await site.issue()).path)).headers["set-cookie"].lower()
        await site.client.aclose()


async def test_the_cookie_is_for_the_path_under_which_browsers_see_the_page(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """A proxy takes the base URL's path off: the browser keeps the cookie for the path with it."""
    families = await Families(database).begin()
    settings = settings_of(database_url, tmp_path, base_url="https://school.example/fieldgate")
    with served(Application(settings, open_log(io.BytesIO()))) as origin:
        site = await Site(families, origin, io.BytesIO()).begin()
        cookie = (await site.client.get((await site.issue()).path)).headers["set-cookie"]
        assert "; Path=/fieldgate/sign-in/;" in cookie + ";"
        await site.client.aclose()


async def test_the_style_that_the_policy_allows_is_the_pages(site: Site) -> None:
    page = await site.client.get((await site.issue()).path)
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]
    assert "style=" not in page.text


async def test_an_override_in_another_connection_changes_the_next_request_and_access_that_returns_needs_a_new_link(
    site: Site,
) -> None:
    """The whole way, with the server's own runs: nothing is restarted and nothing is run by hand."""
    await site.choose(await site.issue())
    token = (await site.sign_in())["data"]["signIn"]["token"]
    assert len((await site.ask(ME, token))["data"]["me"]["students"]) == 1
    await change(site, NO_PERMISSION)
    refused = await site.ask(ME, token)
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    await until(site, "SELECT 1 FROM contact_account WHERE suspended_at IS NOT NULL")
    await change(site, VIEW_AND_UPDATE)
    await until(site, "SELECT 1 FROM contact_account WHERE suspended_at IS NULL")
    assert (await site.ask(ME, token))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert (await site.sign_in())["errors"][0]["extensions"]["code"] == "SIGN_IN_FAILED"
    await site.choose(await site.issue(), "another good secret")
    assert (await site.sign_in("another good secret"))["data"]["signIn"]["token"]
    assert await site.families.rows("SELECT username FROM contact_account") == [(site.username,)]
    assert await site.families.rows("SELECT count(*) FROM contact_allocation") == [(0,)]


async def change(site: Site, value: str) -> None:
    """Set the override and ask for a run, as its writer does."""
    await site.families.override(site.link, value)
    async with site.families.database.write() as session:
        await allocation.request(session, site.families.school)


async def until(site: Site, statement: str) -> None:
    for _ in range(100):
        if await site.families.rows(statement):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within ten seconds: {statement}")


async def test_attempts_from_one_address_are_bounded_and_their_summary_is_written_when_the_server_stops(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    families = await Families(database).begin()
    settings = settings_of(database_url, tmp_path, sign_ins_per_address=3)
    with served(Application(settings, open_log(io.BytesIO()))) as origin:
        site = await Site(families, origin, io.BytesIO()).begin()
        said = [(await site.sign_in("something else"))["errors"][0]["extensions"]["code"] for _ in range(5)]
        await site.client.aclose()
    assert said == ["SIGN_IN_FAILED"] * 3 + ["TOO_MANY_ATTEMPTS"] * 2
    [[details]] = await families.rows("SELECT details FROM audit_event WHERE name = 'sign_ins_failed'")
    assert json.loads(details)["failures"] == 3
