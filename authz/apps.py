"""The only writer of apps and their manifests. A published version never changes: another text is another version.

A new version shares nothing by itself: consents keep the version that they were given for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz import audit
from authz.audit import Actor, canonical_json
from authz.session import ReadSession, WriteSession
from schema.errors import FieldgateError
from schema.ids import new_plain_id
from schema.vocabulary import PLATFORM

if TYPE_CHECKING:
    from authz.manifests import Manifest  # with the registry of scopes, which most commands do without


@dataclass(frozen=True, slots=True)
class AppSummary:
    """A registered app, at its current version."""

    id: str
    slug: str
    name: str
    vendor: str
    version: int


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration did: `registered` (a new app), `published` (a new version) or `unchanged`."""

    app: AppSummary
    outcome: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asks for in one version: its products' row conditions, and each product's scopes with their need."""

    row_conditions: Mapping[str, str]
    scopes: tuple[tuple[str, str, str], ...]

    def of(self, products: frozenset[str]) -> dict[str, str]:
        """Scope → need for the chosen products; a scope is required if any of them requires it."""
        needs: dict[str, str] = {}
        for product, scope, need in self.scopes:
            if product in products and needs.get(scope) != "required":
                needs[scope] = need
        return needs


async def register(session: WriteSession, manifest: "Manifest", *, by: Actor) -> Registered:
    """Register a new app, or publish a new version of a known one. The same text again changes nothing."""
    known = await _known(session, manifest)
    if known is None:
        return await _register_new(session, manifest, by)
    if manifest.version > known.version:
        return await _publish(session, manifest, known, by)
    rows = await session.fetch(
        "SELECT sha256 FROM app_manifest WHERE app_id = ? AND version = ?", known.id, manifest.version
    )
    if manifest.version == known.version and [row[0] for row in rows] == [manifest.sha256]:
        return Registered(known, "unchanged")
    problem = "was published with other content" if manifest.version == known.version else "is not the newest"
    raise FieldgateError(
        "MANIFEST_VERSION",
        f"Version {manifest.version} of {known.slug} {problem}; the app is at version {known.version}.",
        version=known.version,
    )


async def _known(session: WriteSession, manifest: "Manifest") -> AppSummary | None:
    rows = await session.fetch(
        f"SELECT id, slug, name, vendor, manifest_version FROM app WHERE slug = ?{session.dialect.row_lock}",
        manifest.slug,
    )
    return AppSummary(*rows[0]) if rows else None


async def _register_new(session: WriteSession, manifest: "Manifest", by: Actor) -> Registered:
    app = AppSummary(new_plain_id("app"), manifest.slug, manifest.name, manifest.vendor, manifest.version)
    added = await session.execute(
        "INSERT INTO app (id, slug, name, vendor, manifest_version, created_at) "
        f"VALUES (?, ?, ?, ?, ?, {session.dialect.now}) ON CONFLICT DO NOTHING",
        app.id, app.slug, app.name, app.vendor, app.version,
    )  # fmt: skip
    if not added:
        raise FieldgateError("DATABASE_BUSY", "Another process registered the app at the same time.")
    await _add_version(session, app.id, manifest)
    await _record(session, "app_registered", app, by, before=None)
    return Registered(app, "registered")


async def _publish(session: WriteSession, manifest: "Manifest", known: AppSummary, by: Actor) -> Registered:
    app = AppSummary(known.id, known.slug, manifest.name, manifest.vendor, manifest.version)
    await session.execute(
        "UPDATE app SET name = ?, vendor = ?, manifest_version = ? WHERE id = ?",
        app.name, app.vendor, app.version, app.id,
    )  # fmt: skip
    await _add_version(session, app.id, manifest)
    await _record(session, "app_manifest_published", app, by, before=known.version)
    return Registered(app, "published")


async def _add_version(session: WriteSession, app_id: str, manifest: "Manifest") -> None:
    version = manifest.version
    await session.execute(
        "INSERT INTO app_manifest (app_id, version, document, sha256, published_at) "
        f"VALUES (?, ?, ?, ?, {session.dialect.now})",
        app_id, version, manifest.document, manifest.sha256,
    )  # fmt: skip
    await session.execute_many(
        "INSERT INTO app_product (app_id, version, product, title, row_conditions) VALUES (?, ?, ?, ?, ?)",
        [
            (app_id, version, product.product, product.title, canonical_json(product.row_conditions))
            for product in manifest.products
        ],
    )
    await session.execute_many(
        "INSERT INTO app_scope (app_id, version, product, scope, need, implied, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (app_id, version, product.product, asked.scope, asked.need, asked.implied, asked.reason)
            for product in manifest.products
            for asked in product.scopes
        ],
    )


async def _record(session: WriteSession, name: str, app: AppSummary, by: Actor, *, before: int | None) -> None:
    details = {"slug": app.slug, "before": before, "after": app.version}
    await audit.record(session, name, chain=PLATFORM, by=by, app_id=app.id, details=details)


async def find(session: ReadSession, slug_or_id: str) -> AppSummary:
    """The app of a slug or id."""
    rows = await session.fetch(
        "SELECT id, slug, name, vendor, manifest_version FROM app WHERE slug = ? OR id = ?", slug_or_id, slug_or_id
    )
    if not rows:
        raise FieldgateError("APP_UNKNOWN", "There is no app with this slug.")
    return AppSummary(*rows[0])


async def listed(session: ReadSession) -> list[AppSummary]:
    """Every app, by slug."""
    rows = await session.fetch("SELECT id, slug, name, vendor, manifest_version FROM app ORDER BY slug")
    return [AppSummary(*row) for row in rows]


async def products(session: ReadSession) -> dict[str, list[str]]:
    """App id → the products of its current version, by name."""
    rows = await session.fetch(
        "SELECT a.id, p.product FROM app a JOIN app_product p ON p.app_id = a.id AND p.version = a.manifest_version "
        "ORDER BY p.product"
    )
    found: dict[str, list[str]] = {}
    for app_id, product in rows:
        found.setdefault(app_id, []).append(product)
    return found


async def asked(session: ReadSession, app_id: str, version: int) -> Asked:
    """What one version of the app's manifest asks for."""
    products = await session.fetch(
        "SELECT product, row_conditions FROM app_product WHERE app_id = ? AND version = ?", app_id, version
    )
    scopes = await session.fetch(
        "SELECT product, scope, need FROM app_scope WHERE app_id = ? AND version = ? ORDER BY product, scope",
        app_id,
        version,
    )
    return Asked({row[0]: row[1] for row in products}, tuple((row[0], row[1], row[2]) for row in scopes))
