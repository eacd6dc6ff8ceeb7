"""The page of a secret link, at /sign-in/link/CODE: a contact chooses a password there, without any script.

To look spends nothing, because mail scanners open links; only a POST with the page's own token does. Every link that
cannot be used gets one and the same page. The code is a secret: no log, no referrer and no cache may have it.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from authz import sign_in
from authz.bearer import new_secret
from authz.chosen_secrets import LONGEST, SHORTEST
from authz.door import Door
from authz.secret_links import PATH, OpenLink
from schema.errors import FieldgateError
from server.database import Database

TEMPLATES = Path(__file__).parent / "templates"
COOKIE = "fieldgate-link"
COOKIE_PATH = "/sign-in/"
FORM = "application/x-www-form-urlencoded"
MOST_BODY_BYTES = 10_000
BODY_SECONDS = 20.0
READ_SECONDS = 5.0
LONGEST_CODE = 100
TITLES = {
    "choose": "Choose your password",
    "done": "Your password is set",
    "gone": "This link cannot be used",
    "again": "Please open the link again",
    "later": "Please try again later",
}


class SignInPage:
    """Answers GET and POST of a link."""

    def __init__(self, database: Database, door: Door, base_url: str) -> None:
        self.database = database
        self.door = door
        self.secure = base_url.startswith("https://")
        # Before the path of ours stands what a proxy takes off it: browsers keep cookies by the path that they see.
        self.cookie_path = urlsplit(base_url).path.rstrip("/") + COOKIE_PATH
        style = (TEMPLATES / "sign_in.css").read_text(encoding="utf-8")
        environment = Environment(autoescape=True, loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined)
        environment.globals |= {"style": Markup(style), "shortest": SHORTEST, "longest": LONGEST}  # noqa: S704 - ours
        self.template = environment.get_template("sign_in.html")
        self.headers = _headers(style)

    def routes(self) -> list[Route]:
        """The address of every link."""
        return [Route(PATH + "{code}", self.answer, methods=["GET", "POST"], name="sign-in-link")]

    async def answer(self, request: Request) -> Response:
        """The page. Who asks is known by the code alone."""
        code: str = request.path_params["code"]
        try:
            if request.method == "POST":
                return await self._post(request, code)
            link = await self._look(code)
            return self._gone() if link is None else self._choose(request, code, link)
        except FieldgateError as error:
            return self._gone() if error.code == "SECRET_LINK_INVALID" else self._page("later", 503)
        except ClientDisconnect:
            return Response(status_code=400)

    async def _look(self, code: str) -> OpenLink | None:
        if len(code) > LONGEST_CODE:
            return None
        reading = asyncio.create_task(self._read(code))
        # A read of a stalled database may not let itself be cancelled: it is left.
        done, _ = await asyncio.wait({reading}, timeout=READ_SECONDS)
        if not done:
            reading.cancel()
            raise FieldgateError("UNAVAILABLE", "The database cannot answer now.")
        return reading.result()

    async def _read(self, code: str) -> OpenLink | None:
        async with self.database.read() as session:
            return await sign_in.find_link(session, code)

    async def _post(self, request: Request, code: str) -> Response:
        fields = await _form(request)
        cookie = request.cookies.get(COOKIE, "")
        if not cookie or not hmac.compare_digest(fields.get("token", "").encode(), _token(cookie, code).encode()):
            return self._page("again", 403)
        link = await self._look(code)
        if link is None:
            return self._gone()
        secret = fields.get("secret", "")
        if secret != fields.get("repeated", ""):
            return self._choose(request, code, link, "The two passwords are not the same.", 400)
        try:
            await sign_in.choose_secret(self.database, self.door, code, secret)
        except FieldgateError as error:
            if error.code not in WRONG:
                raise
            return self._choose(request, code, link, WRONG[error.code], error.kind.status)
        return self._page("done", 200, school=_school(link), username=link.username)

    def _choose(self, request: Request, code: str, link: OpenLink, wrong: str = "", status: int = 200) -> Response:
        held = request.cookies.get(COOKIE)
        cookie = held or new_secret()
        token = _token(cookie, code)
        shown = {"school": _school(link), "username": link.username, "token": token, "wrong": wrong}
        page = self._page("choose", status, **shown)
        if not held:
            page.set_cookie(COOKIE, cookie, path=self.cookie_path, secure=self.secure, httponly=True, samesite="strict")
        return page

    def _gone(self) -> Response:
        """INVARIANT: wrong, spent, voided and expired links are not told apart."""
        return self._page("gone", 404)

    def _page(self, state: str, status: int, **shown: str) -> Response:
        html = self.template.render(state=state, title=TITLES[state], **shown)
        return HTMLResponse(html, status, self.headers)


WRONG: Mapping[str, str] = {
    "SECRET_TOO_WEAK": f"Choose another password: from {SHORTEST} to {LONGEST} characters, not your username, and not "
    "one character again and again.",
    "TOO_MANY_ATTEMPTS": "The server is busy. Try again in a minute.",
}
"""What can be put right on the page itself."""


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a form; none of a body that is not one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return {}
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return {}
    body = bytearray()
    with contextlib.suppress(TimeoutError, ValueError):
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BODY_BYTES:
                    return {}
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
        return {name: values[0] for name, values in fields.items() if len(values) == 1}
    return {}


def _token(cookie: str, code: str) -> str:
    """What the form carries: it belongs to this browser's cookie and to this link."""
    return hmac.new(cookie.encode(), code.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _school(link: OpenLink) -> str:
    return link.school_name or "Your school"


def _headers(style: str) -> Mapping[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    }
