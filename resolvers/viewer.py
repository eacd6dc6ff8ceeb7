"""`viewer`: the calling app and its consents, also the revoked ones. It is about consents, so no scope guards it.

The rows are read in the request's snapshot; the selection is then shaped over them.
"""

import json
from collections.abc import Sequence
from typing import Any

from authz.grants import consent_in_force
from authz.session import Dialect, Row
from resolvers.asking import Ask, Flow


def app_statement(dialect: Dialect) -> str:
    """The app's row. Parameter: app id."""
    return "SELECT id, slug, name, vendor, manifest_version FROM app WHERE id = ?"


def consents_statement(dialect: Dialect) -> str:
    """The app's consents with their school's names. Parameter: app id."""
    state = f"CASE WHEN c.state = 'approved' AND NOT ({consent_in_force(dialect)}) THEN 'revoked' ELSE c.state END"
    revoked = dialect.instant_text("coalesce(c.revoked_at, CASE WHEN c.state = 'approved' THEN c.expires_at END)")
    expires = dialect.instant_text("c.expires_at")
    shown = f"CASE WHEN {consent_in_force(dialect)} THEN NULL ELSE {revoked} END"
    return (
        f"SELECT c.id, c.school_id, s.name, {state}, c.products, c.version, {expires}, {shown}, c.revoke_reason "
        "FROM consent c LEFT JOIN school s ON s.id = c.school_id WHERE c.app_id = ? ORDER BY c.school_id"
    )


def grants_statement(dialect: Dialect) -> str:
    """Every scope in force for the app, by school. Parameter: app id."""
    return (
        "SELECT g.school_id, g.scope FROM consent_grant g JOIN consent c ON c.school_id = g.school_id "
        f"AND c.app_id = g.app_id AND {consent_in_force(dialect)} WHERE g.app_id = ? "
        f"AND (g.expires_at IS NULL OR g.expires_at > {dialect.now}) ORDER BY g.school_id, g.scope"
    )


def asked_statement(dialect: Dialect) -> str:
    """What the app's manifest in force requires. Parameter: app id."""
    return (
        "SELECT p.product, p.scope FROM app_scope p JOIN app a ON a.id = p.app_id "
        "AND a.manifest_version = p.version WHERE p.app_id = ? AND p.need = 'required' ORDER BY p.scope"
    )


def viewer_value(dialect: Dialect, app_id: str, *, consents: bool) -> Flow:
    """The value of `Query.viewer`; without `consents` none are read."""

    def ask(statement: str) -> Ask:
        return Ask(dialect.sql(statement), (app_id,))

    head = (yield ask(app_statement(dialect)))[0]
    app: dict[str, Any] = dict(zip(("id", "slug", "name", "vendor", "manifestVersion"), head, strict=True))
    app["consents"] = []
    if consents:
        rows = yield ask(consents_statement(dialect))
        scopes: dict[str, list[str]] = {}
        for school_id, scope in (yield ask(grants_statement(dialect))):
            scopes.setdefault(school_id, []).append(scope)
        required = yield ask(asked_statement(dialect))
        app["consents"] = [_consent(row, scopes.get(row[1], []), required) for row in rows]
    return {"app": app}


def _consent(row: Row, scopes: list[str], required: Sequence[Row]) -> dict[str, Any]:
    products = json.loads(row[4])
    wanted = dict.fromkeys(scope for product, scope in required if not products or product in products)
    held = set(scopes)
    return {
        "id": row[0],
        "school": {"id": row[1], "name": row[2]},
        "state": row[3],
        "products": products,
        "scopes": scopes,
        "missing": [scope for scope in wanted if scope not in held] if row[3] == "approved" else [],
        "epoch": row[5],
        "expiresAt": row[6],
        "revokedAt": row[7],
        "revokeReason": row[8],
    }
