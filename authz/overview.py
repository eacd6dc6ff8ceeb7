"""Consents as staff see them: state, terms, grants in force and what is missing. It reads and decides nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authz import apps
from authz.session import ReadSession, Row
from schema.vocabulary import REQUIRED


@dataclass(frozen=True, slots=True)
class GrantView:
    """One scope in force."""

    scope: str
    granted_at: str
    granted_by: str
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class ConsentView:
    """One school's consent with one app.

    `to_review`: the app has a newer manifest than the consent was given for. `missing`: required scopes that are not in
    force, by the manifest that it was given for.
    """

    id: str
    school_id: str
    school_name: str | None
    app: str
    app_name: str
    state: str
    in_force: bool
    epoch: int
    products: tuple[str, ...]
    row_conditions: tuple[str, ...]
    manifest_version: int
    to_review: bool
    decided_at: str | None
    decided_by: str | None
    decided_position: str | None
    expires_at: str | None
    revoked_at: str | None
    revoke_reason: str | None
    scopes: tuple[GrantView, ...]
    missing: tuple[str, ...]


async def consents(
    session: ReadSession, *, school_id: str | None = None, app_id: str | None = None
) -> list[ConsentView]:
    """The consents of a school, of an app, of both, or all; by school and app."""
    given = {name: value for name, value in (("school_id", school_id), ("app_id", app_id)) if value is not None}
    grants = await _grants(session, given)
    asked: dict[tuple[str, int], apps.Asked] = {}
    views = []
    for row in await _consents(session, given):
        key = (row[0], row[1])
        if key not in asked:
            asked[key] = await apps.asked(session, *key)
        views.append(_view(row, asked[key], grants.get((row[4], row[0]), ())))
    return views


async def _consents(session: ReadSession, given: Mapping[str, str]) -> Sequence[Row]:
    dialect = session.dialect
    decided, expires, revoked = (
        dialect.instant_text(f"c.{name}") for name in ("decided_at", "expires_at", "revoked_at")
    )
    return await session.fetch(
        "SELECT c.app_id, c.manifest_version, a.manifest_version > c.manifest_version, c.id, c.school_id, s.name, "
        f"a.slug, a.name, c.state, c.state = 'approved' AND coalesce(c.expires_at > {dialect.now}, true), c.version, "
        f"c.products, c.row_conditions, {decided}, c.decided_by, c.decided_position, {expires}, {revoked}, "
        "c.revoke_reason FROM consent c JOIN app a ON a.id = c.app_id LEFT JOIN school s ON s.id = c.school_id "
        f"WHERE 1 = 1{_condition('c', given)} ORDER BY c.school_id, a.slug",
        *given.values(),
    )


def _view(row: Row, asked: apps.Asked, held: tuple[GrantView, ...]) -> ConsentView:
    products = tuple(json.loads(row[11]))
    in_force = bool(row[9])
    return ConsentView(
        manifest_version=row[1],
        to_review=in_force and bool(row[2]),
        id=row[3],
        school_id=row[4],
        school_name=row[5],
        app=row[6],
        app_name=row[7],
        state=row[8],
        in_force=in_force,
        epoch=row[10],
        products=products,
        row_conditions=tuple(json.loads(row[12])),
        decided_at=row[13],
        decided_by=row[14],
        decided_position=row[15],
        expires_at=row[16],
        revoked_at=row[17],
        revoke_reason=row[18],
        scopes=held,
        missing=_missing(asked.of(frozenset(products)), held),
    )


def _condition(alias: str, given: Mapping[str, str]) -> str:
    return "".join(f" AND {alias}.{column} = ?" for column in given)


async def _grants(session: ReadSession, given: Mapping[str, str]) -> dict[tuple[str, str], tuple[GrantView, ...]]:
    dialect = session.dialect
    granted, expires = (dialect.instant_text(f"g.{name}") for name in ("granted_at", "expires_at"))
    rows = await session.fetch(
        f"SELECT g.school_id, g.app_id, g.scope, {granted}, g.granted_by, {expires} FROM consent_grant g "
        f"WHERE (g.expires_at IS NULL OR g.expires_at > {dialect.now}){_condition('g', given)} ORDER BY g.scope",
        *given.values(),
    )
    found: dict[tuple[str, str], tuple[GrantView, ...]] = {}
    for school_id, app_id, *grant in rows:
        found[school_id, app_id] = (*found.get((school_id, app_id), ()), GrantView(*grant))
    return found


def _missing(needs: Mapping[str, str], held: tuple[GrantView, ...]) -> tuple[str, ...]:
    in_force = {grant.scope for grant in held}
    return tuple(sorted(scope for scope, need in needs.items() if need == REQUIRED and scope not in in_force))
