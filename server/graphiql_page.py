"""The GraphiQL page at GET /graphql, and its files under /graphql/assets/.

The built page is read once, at start; a request only looks a name up in that dictionary, so no path leads outside it.
Everything comes from our own origin under a strict content policy, because people type an app's token into this page.
"""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

BUILT_PAGE = Path(__file__).parent / "graphiql" / "dist"
ASSETS_PATH = "/graphql/assets/"

# The editor writes its colours as style elements, and its workers may start from a blob: address.
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
# A worker is ruled by the policy of its own file, not by the page's: it may load our scripts and reach nothing.
ASSET_POLICY = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"

PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept",  # The same address answers GraphQL to everybody but a browser.
}
ASSET_HEADERS = {
    "Content-Security-Policy": ASSET_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Safe for ever: the name of a file carries the hash of what is in it.
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
}

NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>fieldgate · GraphiQL is not built</title>
<p>The GraphiQL page is not built yet: run <code>make demo</code>, which builds it, or <code>npm ci &amp;&amp; npm run
build</code> in <code>server/graphiql</code>, and start the server again.</p>
</html>
"""

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_REFERENCE = re.compile(r'(?:src|href)="' + re.escape(ASSETS_PATH) + r'([^"]+)"')
_CODING = re.compile(r"^(gzip|\*)(?:;q=(?P<weight>[01](?:\.\d{0,3})?))?$")


@dataclass(frozen=True, slots=True)
class Asset:
    """One built file, kept packed only: nearly every client takes it so, and unpacked it is four times the memory."""

    media_type: str
    packed: bytes
    size: int


class GraphiQLPage:
    """The page and its assets, ready to be sent."""

    def __init__(self, html: str | None, assets: Mapping[str, Asset]) -> None:
        self._html = html
        self._assets = MappingProxyType(dict(assets))

    @property
    def is_built(self) -> bool:
        return self._html is not None

    def index(self) -> Response:
        """The page for a browser; where it was never built, one sentence that says how to build it."""
        if self._html is None:
            return HTMLResponse(NOT_BUILT, status_code=404, headers=PAGE_HEADERS)
        return HTMLResponse(self._html, headers=PAGE_HEADERS)

    async def asset(self, request: Request) -> Response:
        """The file of that name, or 404."""
        # INVARIANT: the name is only ever a key of this dictionary, never a part of a path.
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
            return PlainTextResponse("There is no such file.\n", status_code=404, headers=headers)
        headers = ASSET_HEADERS | {"Content-Type": asset.media_type}
        packed = takes_gzip(request.headers.get("accept-encoding", ""))
        if packed:
            headers["Content-Encoding"] = "gzip"
        if request.method == "HEAD":
            headers["Content-Length"] = str(len(asset.packed) if packed else asset.size)
            return Response(headers=headers)
        body = asset.packed if packed else await run_in_threadpool(gzip.decompress, asset.packed)
        return Response(body, headers=headers)

    def routes(self) -> list[Route]:
        """GET and HEAD of the assets; whoever serves /graphql itself sends `index()` to browsers."""
        return [Route(ASSETS_PATH + "{name:path}", self.asset, methods=["GET"], name="graphiql-asset")]


def graphiql_page(dist: Path = BUILT_PAGE) -> GraphiQLPage:
    """Reads the built page; a build that is missing or incomplete counts as none."""
    try:
        html = (dist / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return GraphiQLPage(None, {})
    folder = dist / "assets"
    files = sorted(path for path in folder.glob("*") if path.is_file() and path.suffix != ".gz")
    assets = {path.name: _read_asset(path) for path in files}
    if not assets.keys() >= set(_REFERENCE.findall(html)):
        return GraphiQLPage(None, {})
    return GraphiQLPage(html, assets)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip; the coding's own name counts before `*`."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding = _CODING.match(part.replace(" ", ""))
        if coding is not None:
            weights[coding[1]] = float(coding["weight"] or "1")
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _read_asset(path: Path) -> Asset:
    content = path.read_bytes()
    beside = path.with_name(path.name + ".gz")
    # The build leaves a packed copy beside each file; one that does not match (a file edited since) is made again.
    packed = beside.read_bytes() if beside.is_file() else b""
    if not packed or gzip.decompress(packed) != content:
        packed = gzip.compress(content, mtime=0)
    return Asset(MEDIA_TYPES.get(path.suffix, "application/octet-stream"), packed, len(content))
