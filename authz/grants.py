"""Grants in force, read in the snapshot of the request that they guard. There is no cache lifetime.

The freshness row says, by the database's clock, whether the token is valid and which version each consent has. A
`Standing` is what one version grants; it is kept only as the meaning of (consent, version) and until its earliest
expiry, and every request compares both.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from authz.contact_access import SETTING_COLUMNS, AccessSettings, settings_from
from authz.session import Dialect, Row


@dataclass(frozen=True, slots=True)
class Freshness:
    """One freshness row: a valid token, the database's time, and one consent in force (or none)."""

    token_id: str
    app_id: str
    now: str
    school_id: str | None
    consent_id: str | None
    version: int


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What one school grants one app, at one version of the consent.

    `asked` maps each scope of the app's manifest to REQUIRED or OPTIONAL, for the products the school has.
    `access`: how the school works out contacts' access.
    `valid_until`: the earliest expiry among the grants, canonical instant; past it the grants are read again.
    """

    consent_id: str
    version: int
    school_id: str
    school_name: str
    app_id: str
    app_name: str
    scopes: frozenset[str]
    asked: Mapping[str, str]
    row_conditions: tuple[str, ...]
    access: AccessSettings
    valid_until: str | None

    def holds(self, fresh: Freshness) -> bool:
        """Whether this is still what the freshness row's version means."""
        return (
            self.version == fresh.version
            and self.consent_id == fresh.consent_id
            and self.school_id == fresh.school_id
            and self.app_id == fresh.app_id
            and (self.valid_until is None or fresh.now < self.valid_until)
        )

    def requested(self, missing: Sequence[str]) -> str:
        """How much the app asked for the missing scopes."""
        return strongest(self.asked.get(scope, "NOT_REQUESTED") for scope in missing)


def strongest(needs: Iterable[str]) -> str:
    """The strongest of several needs."""
    found = set(needs)
    return next((need for need in ("REQUIRED", "OPTIONAL") if need in found), "NOT_REQUESTED")


def token_is_valid(dialect: Dialect, alias: str = "t") -> str:
    """SQL: the token may be used now."""
    return f"{alias}.revoked_at IS NULL AND ({alias}.expires_at IS NULL OR {alias}.expires_at > {dialect.now})"


def consent_in_force(dialect: Dialect, alias: str = "c") -> str:
    """SQL: the consent grants something now, and its school is there."""
    return (
        f"{alias}.state = 'approved' AND ({alias}.expires_at IS NULL OR {alias}.expires_at > {dialect.now}) "
        f"AND EXISTS (SELECT 1 FROM school live WHERE live.id = {alias}.school_id AND live.deleted_at IS NULL)"
    )


_COLUMNS = "t.id, t.app_id, {now}, c.school_id, c.id, coalesce(c.version, 0)"


def freshness_of_schools(dialect: Dialect) -> str:
    """One row per consented school of a list (a JSON array or text[]), or one row without a school.

    Parameters: school ids, token hash (in that order).
    """
    members = "IN (SELECT value FROM json_each(?))" if dialect.is_sqlite else "= ANY(?::text[])"
    return _freshness(dialect, f"c.school_id {members}")


def freshness_of_school(dialect: Dialect) -> str:
    """The row of one school. Parameters: school id, token hash (in that order)."""
    return _freshness(dialect, "c.school_id = ?")


def _freshness(dialect: Dialect, join: str) -> str:
    columns = _COLUMNS.format(now=dialect.instant_text(dialect.now))
    return (
        f"SELECT {columns} FROM app_token t LEFT JOIN consent c ON c.app_id = t.app_id AND {join} "
        f"AND {consent_in_force(dialect)} WHERE t.hash = ? AND {token_is_valid(dialect)} ORDER BY c.school_id"
    )


def standing_in_force(dialect: Dialect, *, expires: bool) -> str:
    """FROM and WHERE: one row while a valid token stands as it is known, none once anything has changed.

    Parameters: school id, token hash, consent id, version, and where it `expires` the moment.
    """
    until = f" AND {dialect.now} < {dialect.instant()}" if expires else ""
    return (
        f"FROM app_token t JOIN consent c ON c.app_id = t.app_id AND c.school_id = ? AND {consent_in_force(dialect)} "
        f"WHERE t.hash = ? AND {token_is_valid(dialect)} AND c.id = ? AND c.version = ?{until}"
    )


def freshness_of_page(dialect: Dialect, *, after: bool, before: bool, backwards: bool) -> str:
    """A page of the app's consents in force, by school id.

    Parameters: [after], [before], limit, token hash. Rows come in the order of the page's direction.
    """
    columns = _COLUMNS.format(now=dialect.instant_text(dialect.now))
    bounds = (" AND k.school_id > ?" if after else "") + (" AND k.school_id < ?" if before else "")
    direction = "DESC" if backwards else "ASC"
    limit = "?" if dialect.is_sqlite else "?::bigint"
    # The page is cut per app before the join, so that its cost does not grow with other apps' consents.
    return (
        f"SELECT {columns} FROM app_token t LEFT JOIN consent c ON c.app_id = t.app_id AND c.school_id IN "
        f"(SELECT k.school_id FROM consent k WHERE k.app_id = t.app_id AND {consent_in_force(dialect, 'k')}{bounds} "
        f"ORDER BY k.school_id {direction} LIMIT {limit}) "
        f"WHERE t.hash = ? AND {token_is_valid(dialect)} ORDER BY c.school_id {direction}"
    )


def freshness(row: Row) -> Freshness:
    """The freshness row's value."""
    return Freshness(row[0], row[1], row[2], row[3], row[4], int(row[5]))


def standing_statement(dialect: Dialect) -> str:
    """The consent's names and conditions, its grants in force, what the app asks for, how access is worked out.

    Rows are tagged. Parameters: `standing_parameters`.
    """
    flags = " || ',' || ".join(f"CASE WHEN x.{column} THEN '1' ELSE '' END" for column in SETTING_COLUMNS[1:])
    expiry = dialect.instant_text("g.expires_at")
    consent_expiry = dialect.instant_text("c.expires_at")
    return (
        f"SELECT 'consent', s.name, a.name, c.row_conditions, c.products, {consent_expiry} "
        "FROM consent c JOIN school s ON s.id = c.school_id JOIN app a ON a.id = c.app_id "
        "WHERE c.school_id = ? AND c.app_id = ? "
        f"UNION ALL SELECT 'grant', g.scope, {expiry}, NULL, NULL, NULL FROM consent_grant g "
        f"WHERE g.school_id = ? AND g.app_id = ? AND (g.expires_at IS NULL OR g.expires_at > {dialect.now}) "
        "UNION ALL SELECT 'asked', p.scope, p.need, p.product, NULL, NULL FROM app_scope p "
        "JOIN app b ON b.id = p.app_id AND b.manifest_version = p.version WHERE p.app_id = ? "
        f"UNION ALL SELECT 'access', x.source, {flags}, NULL, NULL, NULL FROM contact_access_setting x "
        "WHERE x.school_id = ?"
    )


def standing_parameters(school_id: str, app_id: str) -> tuple[str, ...]:
    """The parameters of `standing_statement`."""
    return school_id, app_id, school_id, app_id, app_id, school_id


def standing(fresh: Freshness, rows: Sequence[Row]) -> Standing:
    """The standing that the rows of `standing_statement` describe."""
    if fresh.school_id is None or fresh.consent_id is None:
        raise ValueError("a freshness row without a consent has no standing")
    head = next(row for row in rows if row[0] == "consent")
    products = set(json.loads(head[4]))
    asked: dict[str, str] = {}
    for row in rows:
        if row[0] == "asked" and (not products or row[3] in products):
            need = row[2].upper()
            if need == "REQUIRED" or row[1] not in asked:
                asked[row[1]] = need
    granted = [row for row in rows if row[0] == "grant"]
    access = next(([row[1], *row[2].split(",")] for row in rows if row[0] == "access"), None)
    expiries = [row[2] for row in granted if row[2] is not None] + ([head[5]] if head[5] else [])
    return Standing(
        consent_id=fresh.consent_id,
        version=fresh.version,
        school_id=fresh.school_id,
        school_name=head[1] or fresh.school_id,
        app_id=fresh.app_id,
        app_name=head[2],
        scopes=frozenset(row[1] for row in granted),
        asked=asked,
        row_conditions=tuple(sorted(json.loads(head[3]))),
        access=settings_from(access),
        valid_until=min(expiries, default=None),
    )
