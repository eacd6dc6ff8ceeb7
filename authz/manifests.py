"""A manifest is an app's public statement of what it asks for and why. Pure: document in, expanded products out.

A vendor lists scopes and bundles per product. Bundles are expanded, and a scope whose object was not asked for adds the
object's scope, marked implied. docs/manifests.md gives the shape.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from authz.documents import Placed, read_document
from schema.errors import FieldgateError
from schema.registry import REGISTRY
from schema.vocabulary import BUNDLES, NEEDS, REQUIRED, ROW_CONDITIONS

SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
_MEMBERS = (
    "slug", "name", "vendor", "version", "purpose", "supportContact", "privacyPolicy", "dataProtectionPolicy",
    "certifications", "products",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskedScope:
    """One scope that a product asks for. `implied`: added because a scope inside that object was asked for."""

    scope: str
    need: str
    implied: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Product:
    """One add-on of an app: its scopes by name, bundles and implied objects included."""

    product: str
    title: str
    row_conditions: tuple[str, ...]
    scopes: tuple[AskedScope, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of what an app asks for. `document` is the text as sent."""

    slug: str
    name: str
    vendor: str
    version: int
    products: tuple[Product, ...]
    document: str
    sha256: str


def parse(content: bytes) -> Manifest:
    """The manifest of a document; `MANIFEST_INVALID` or `SCOPE_UNKNOWN`, with the place, where it breaks the shape."""
    members = read_document(content, "MANIFEST_INVALID").members(_MEMBERS, ("dataTerms",))
    _check_statements(members)
    return Manifest(
        slug=members["slug"].matching(SLUG, "a slug of small letters, digits and single dashes"),
        name=members["name"].text(limit=100),
        vendor=members["vendor"].text(limit=100),
        version=members["version"].number(),
        products=_products(members["products"]),
        document=content.decode("utf-8"),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _check_statements(members: dict[str, Placed]) -> None:
    """What a school reads before it decides; kept in the document."""
    members["purpose"].text(limit=2000)
    contact = members["supportContact"].members(("email",), ("telephone",))
    contact["email"].email()
    if "telephone" in contact:
        contact["telephone"].text(limit=40)
    members["privacyPolicy"].url()
    members["dataProtectionPolicy"].url()
    for certification in members["certifications"].items():
        certification.text(limit=200)
    if "dataTerms" in members:
        terms = members["dataTerms"].members(("title", "url"))
        terms["title"].text(limit=200)
        terms["url"].url()


def _products(products: Placed) -> tuple[Product, ...]:
    found: dict[str, Product] = {}
    for place in products.items(at_least=1):
        members = place.members(("product", "title"), ("rowConditions", "scopes", "bundles"))
        product = members["product"].matching(SLUG, "a slug of small letters, digits and single dashes")
        if product in found:
            members["product"].refuse("names a product a second time")
        asked = _asked(members)
        if not asked:
            place.refuse("asks for nothing; list scopes or bundles")
        found[product] = Product(
            product=product,
            title=members["title"].text(limit=100),
            row_conditions=_row_conditions(members.get("rowConditions")),
            scopes=expand(asked),
        )
    return tuple(found.values())


def _row_conditions(place: Placed | None) -> tuple[str, ...]:
    named = [item.one_of(ROW_CONDITIONS) for item in place.items()] if place else []
    return tuple(sorted(set(named)))


def _asked(members: dict[str, Placed]) -> list[AskedScope]:
    """What the vendor lists. A scope's own entry comes before a bundle's, so that its own reason is shown."""
    named = _named(members["scopes"]) if "scopes" in members else []
    return [*named, *(_bundled(members["bundles"]) if "bundles" in members else [])]


def _named(places: Placed) -> list[AskedScope]:
    found: dict[str, AskedScope] = {}
    for place in places.items():
        entry = place.members(("scope", "need", "reason"))
        scope = entry["scope"].text(limit=200)
        if scope not in REGISTRY.scopes:
            where = entry["scope"].place
            raise FieldgateError("SCOPE_UNKNOWN", f"{where} is not a scope of the catalogue.", place=where)
        if scope in found:
            entry["scope"].refuse("names a scope a second time")
        found[scope] = AskedScope(scope, entry["need"].one_of(NEEDS), False, entry["reason"].text())
    return list(found.values())


def _bundled(places: Placed) -> list[AskedScope]:
    found: list[AskedScope] = []
    for place in places.items():
        entry = place.members(("bundle", "need", "reason"))
        need, reason = entry["need"].one_of(NEEDS), entry["reason"].text()
        found += [AskedScope(scope, need, False, reason) for scope in BUNDLES[entry["bundle"].one_of(BUNDLES)]]
    return found


def expand(asked: Iterable[AskedScope]) -> tuple[AskedScope, ...]:
    """The scopes with the objects that they sit in, each once, by name.

    An object is needed as much as the most needed scope inside it: without the object, the scope opens nothing.
    """
    found: dict[str, AskedScope] = {}
    for entry in asked:
        _add(found, entry)
    for entry in tuple(found.values()):
        for outer in REGISTRY.implied_by_request(entry.scope):
            _add(found, AskedScope(outer, entry.need, True, None))
    return tuple(found[scope] for scope in sorted(found))


def _add(found: dict[str, AskedScope], entry: AskedScope) -> None:
    before = found.setdefault(entry.scope, entry)
    if entry.need == REQUIRED and before.need != REQUIRED:
        found[entry.scope] = replace(before, need=REQUIRED)
