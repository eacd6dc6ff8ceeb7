"""The built GraphiQL page in Chromium: a query typed, its result seen, a field's scope read in the docs.

All of it under the page's own content policy, with no request outside the origin and no error in the console.
`graphql_server` is the only fixture that knows which server answers.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Route, expect, sync_playwright

from tests.server.conftest import Site
from tests.world import TOKEN

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SCREENSHOTS = Path(__file__).parents[2] / ".cache" / "screenshots"
COUNT_POLICY_VIOLATIONS = """
window.policyViolations = [];
addEventListener("securitypolicyviolation", (event) => policyViolations.push(event.violatedDirective));
"""
QUERY_IS_COLOURED = """
new Set(Array.from(document.querySelectorAll(".graphiql-query-editor [class^=mtk]"), (part) => part.className)).size > 1
"""
GRANTED = "{ viewer { app { name consents { scopes missing } } } }"


@dataclass(frozen=True)
class RunningServer:
    origin: str
    token: str
    app_name: str


@pytest.fixture(scope="module")
def graphql_server(site: Site) -> RunningServer:
    return RunningServer(site.origin, TOKEN, "Tester")


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_ARGUMENTS)
        expect.set_options(timeout=15_000)
        yield browser
        browser.close()


@dataclass
class Witness:
    """What the page did besides what it shows."""

    origin: str
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def saw_request(self, request: Request) -> None:
        self.requests.append(request)

    def saw_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def outside(self) -> list[str]:
        own = (self.origin + "/", f"blob:{self.origin}/", "data:")
        return [request.url for request in self.requests if not request.url.startswith(own)]

    def posted(self) -> list[Request]:
        """The operations that were sent, without GraphiQL's own question for the schema."""
        return [request for request in self.requests if "__schema" not in (request.post_data or "__schema")]


@dataclass(frozen=True)
class Opened:
    page: Page
    witness: Witness
    server: RunningServer


def open_page(browser: Browser, server: RunningServer, color_scheme: Literal["light", "dark"]) -> Opened:
    context = browser.new_context(viewport={"width": 1440, "height": 860}, color_scheme=color_scheme)
    context.add_init_script(COUNT_POLICY_VIOLATIONS)
    witness = Witness(server.origin)
    context.on("request", witness.saw_request)
    context.on("console", witness.saw_console)
    context.on("weberror", lambda error: witness.complaints.append(str(error.error)))
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(server.origin + "/graphql")
    expect(docs(page).get_by_text("All Schema Types")).to_be_visible()
    # GraphiQL's Run button does nothing until both editors are there.
    expect(page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
    expect(page.locator(".graphiql-response .view-lines")).to_be_attached()
    return Opened(page, witness, server)


@pytest.fixture
def opened(browser: Browser, graphql_server: RunningServer) -> Iterator[Opened]:
    opened = open_page(browser, graphql_server, "light")
    yield opened
    opened.page.context.close()


def docs(page: Page) -> Locator:
    return page.locator(".graphiql-doc-explorer")


def token_field(page: Page) -> Locator:
    return page.get_by_label("Token", exact=True)


def type_query(page: Page, query: str) -> None:
    page.locator(".graphiql-query-editor .view-lines").click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.type(query)
    page.keyboard.press("Escape")  # The list of suggestions.


def run(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Execute query")).click()


def response_text(page: Page) -> str:
    return page.locator(".graphiql-response .view-lines").inner_text().replace("\N{NO-BREAK SPACE}", " ")


def expect_response(page: Page, text: str) -> None:
    # The editor draws every space as a no-break space, in several elements a line.
    pattern = re.compile(r"\s*".join(re.escape(word) for word in text.split()))
    expect(page.locator(".graphiql-response .view-lines")).to_contain_text(pattern)


def keep_screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.wait_for_function(QUERY_IS_COLOURED)
    page.screenshot(path=path)
    print(f"screenshot: {path}")


def assert_nothing_amiss(opened: Opened) -> None:
    assert opened.witness.outside() == []
    assert opened.witness.complaints == []
    assert opened.page.evaluate("policyViolations") == []


def stored(page: Page) -> tuple[str, str]:
    """What the browser keeps for the origin: beyond the tab, and in the tab."""
    return page.evaluate("JSON.stringify({...localStorage})"), page.evaluate("JSON.stringify({...sessionStorage})")


def test_a_typed_query_is_answered_and_the_docs_show_the_scope_of_a_field(opened: Opened) -> None:
    page, server = opened.page, opened.server
    expect(page).to_have_title("fieldgate · GraphiQL")
    token_field(page).fill(server.token)
    type_query(page, GRANTED)
    run(page)
    expect_response(page, f'"name": "{server.app_name}"')
    expect(page.get_by_role("status")).to_contain_text("HTTP 200")

    sent = opened.witness.posted()[-1]
    assert json.loads(sent.post_data or "")["query"] == GRANTED
    assert sent.headers["authorization"] == f"Bearer {server.token}"
    assert sent.headers["accept"] == "application/graphql-response+json, application/json;q=0.9"
    assert "cookie" not in sent.all_headers()

    page.get_by_role("button", name="Prettify query").click()
    expect(page.locator(".graphiql-query-editor .view-line")).not_to_have_count(1)
    page.locator(".graphiql-query-editor .view-lines").click()
    page.keyboard.press("Control+Home")
    for link in ("Query", "School", "StudentConnection", "Student", "StudentEducationDetails"):
        docs(page).get_by_role("link", name=link, exact=True).first.click()
    expect(docs(page).get_by_text("students.upn.read")).to_be_visible()
    keep_screenshot(page, "graphiql-scopes-of-a-type")
    docs(page).get_by_role("link", name="upn", exact=True).click()
    expect(docs(page).locator("code", has_text="students.upn.read")).to_be_visible()
    expect(docs(page).get_by_text("personal")).to_be_visible()
    keep_screenshot(page, "graphiql-result-and-scope")
    assert_nothing_amiss(opened)


def test_the_query_shown_first_runs_as_it_stands(opened: Opened) -> None:
    page, server = opened.page, opened.server
    token_field(page).fill(server.token)
    run(page)
    expect_response(page, f'"name": "{server.app_name}"')
    expect(page.get_by_role("status")).not_to_contain_text("error")
    keep_screenshot(page, "graphiql-first-query")
    assert_nothing_amiss(opened)


def test_the_schema_is_read_without_a_token_and_data_is_refused_in_readable_words(opened: Opened) -> None:
    page = opened.page
    run(page)
    expect_response(page, '"errors": [')
    expect(page.get_by_role("status")).to_contain_text("HTTP 401 · 1 error")
    assert "authorization" not in opened.witness.posted()[-1].headers
    keep_screenshot(page, "graphiql-no-token")
    # The browser itself notes a 401 in its console; nothing else may stand there.
    assert [text for text in opened.witness.complaints if "401" not in text] == []


def test_an_answer_that_is_not_graphql_becomes_one_readable_error(opened: Opened) -> None:
    page = opened.page

    def bad_gateway(route: Route) -> None:
        route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")

    page.route("**/graphql", bad_gateway)
    run(page)
    expect_response(page, "The server answered HTTP 502 Bad Gateway with text/html")
    expect_response(page, "<h1>Bad gateway</h1>")
    page.unroute("**/graphql")
    page.route("**/graphql", lambda route: route.abort())
    run(page)
    expect_response(page, "The request was not answered")
    expect(page.get_by_role("status")).to_contain_text("No answer · 1 error")


def test_the_token_is_hidden_until_shown_and_kept_only_when_asked_and_only_in_the_tab(opened: Opened) -> None:
    page, server = opened.page, opened.server
    remember = page.get_by_label("Remember in this tab")
    token_field(page).fill(server.token)
    expect(token_field(page)).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show the token").click()
    expect(token_field(page)).to_have_attribute("type", "text")
    run(page)
    expect_response(page, server.app_name)
    assert stored(page)[0] == "{}"
    assert server.token not in stored(page)[1]

    remember.check()
    assert server.token in stored(page)[1]
    page.reload()
    expect(token_field(page)).to_have_value(server.token)
    expect(token_field(page)).to_have_attribute("type", "password")
    expect(remember).to_be_checked()
    remember.uncheck()
    assert server.token not in stored(page)[1]
    page.reload()
    expect(token_field(page)).to_have_value("")
    assert stored(page)[0] == "{}"
    assert [request.url for request in opened.witness.requests if server.token in request.url] == []
    assert server.token not in page.url
    assert_nothing_amiss(opened)


def test_a_token_in_the_header_editor_is_sent_but_never_stored_not_even_with_the_history(opened: Opened) -> None:
    page, server = opened.page, opened.server
    page.get_by_role("button", name="Headers").click()
    page.locator(".graphiql-editor-tool .view-lines").last.click()
    page.keyboard.insert_text(json.dumps({"authorization": f"Bearer {server.token}"}))
    run(page)
    expect_response(page, server.app_name)
    page.get_by_label("Show History").click()
    expect(page.locator(".graphiql-history-item")).to_have_count(1)
    page.wait_for_timeout(800)  # GraphiQL writes its tabs half a second after the last key.
    local, session = stored(page)
    assert local == "{}"
    assert "viewer" in session
    assert server.token not in session
    page.get_by_label("Open settings dialog").click()
    expect(page.get_by_role("dialog").get_by_text("Theme", exact=True)).to_be_visible()
    expect(page.get_by_text("Persist headers")).to_have_count(0)
    assert_nothing_amiss(opened)


def test_the_explorer_builds_a_query_by_ticking_fields(browser: Browser, graphql_server: RunningServer) -> None:
    opened = open_page(browser, graphql_server, "dark")
    page = opened.page
    type_query(page, "{ viewer { app { name } } }")
    page.get_by_label("Show GraphiQL Explorer").click()
    explorer = page.locator(".docExplorerWrap")
    explorer.get_by_text("consents", exact=True).click()
    expect(page.locator(".graphiql-query-editor .view-lines")).to_contain_text("consents")
    keep_screenshot(page, "graphiql-explorer-dark")
    assert_nothing_amiss(opened)
    page.context.close()


def test_a_field_that_the_schema_lacks_is_underlined_by_the_worker(opened: Opened) -> None:
    page = opened.page
    type_query(page, "{ viewer { nothingOfTheKind } }")
    expect(page.locator(".graphiql-query-editor .squiggly-error").first).to_be_visible()
    assert any("graphql.worker" in worker.url for worker in page.workers)
    assert_nothing_amiss(opened)


def test_a_schema_that_is_shown_to_apps_only_is_read_once_a_token_is_there(opened: Opened) -> None:
    page, server = opened.page, opened.server

    def only_for_apps(route: Route) -> None:
        if route.request.method == "POST" and "authorization" not in route.request.headers:
            route.fulfill(status=401, json={"errors": [{"message": "The schema is for apps."}]})
        else:
            route.continue_()

    page.route("**/graphql", only_for_apps)
    page.reload()
    expect(docs(page).get_by_text("Error fetching schema")).to_be_visible()
    token_field(page).fill(server.token)
    token_field(page).press("Enter")
    expect(docs(page).get_by_text("All Schema Types")).to_be_visible()
