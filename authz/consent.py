"""The only writer of consents and their grants: one consent per school and app, one grant per scope in force.

Each call is one action, in one transaction, with one audit event. A change of state names the state that it changes
from, so that of two writers who decide on the same consent one wins and the other is refused. Triggers raise the
consent's version with every change: the version that a call returns is the epoch that its change begins.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from authz import apps, audit, schools
from authz.apps import AppSummary, Asked
from authz.audit import Actor, canonical_json
from authz.clock import in_future
from authz.session import WriteSession
from schema.errors import FieldgateError
from schema.ids import new_record_id
from schema.vocabulary import REQUIRED

NEVER: Literal["never"] = "never"
Expiry = datetime | Literal["never"] | None
"""A moment, no end at all, or None: as it is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The consent after the call. `epoch`: its version; `scopes`: what the call put in force or took out of it."""

    consent_id: str
    state: str
    epoch: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a consent says beside its grants; a change of them is a change of what may be read."""

    products: tuple[str, ...]
    row_conditions: tuple[str, ...]
    manifest_version: int
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class _Consent:
    """A consent's row, locked by this transaction. `lapsed`: approved, but its expiry has passed."""

    school_id: str
    app_id: str
    id: str
    state: str
    terms: Terms
    lapsed: bool

    @property
    def in_force(self) -> bool:
        return self.state == "approved" and not self.lapsed


async def grant(
    session: WriteSession,
    school_id: str,
    app_id: str,
    *,
    by: Actor,
    scopes: Collection[str] | None = None,
    products: Collection[str] | None = None,
    expires_at: Expiry = None,
) -> Outcome:
    """Put scopes in force; the consent comes into force with them if it is not.

    Without `scopes`: every scope that the chosen products require. Without `products`: those the consent has, or all
    of the app's. `expires_at` ends the named scopes, or the whole consent where none are named.
    """
    school = await schools.find(session, school_id)
    app = await apps.find(session, app_id)
    asked = await apps.asked(session, app.id, app.version)
    end = await in_future(session, expires_at) if isinstance(expires_at, datetime) else expires_at
    consent = await _locked(session, school.id, app.id)
    if consent is not None and consent.lapsed:
        consent = await _lapse(session, consent)
    chosen = _chosen(asked, products, consent)
    wanted = _wanted(asked.of(frozenset(chosen)), scopes, app)
    consents_end, grants_end = (end, None) if scopes is None else (None, end)
    terms = _terms(asked, app, chosen, consent, consents_end)
    if consent is None or not consent.in_force:
        before, consent = consent, await _open(session, school.id, app.id, consent, terms, by)
        added = await _put_in_force(session, consent, wanted, grants_end, by)
        details = {"scopes": added, "before": before.state if before else None, "after": _spoken(terms)}
        await _record(session, "consent_granted", consent, by, details)
    else:
        added = await _put_in_force(session, consent, wanted, grants_end, by)
        await _amend(session, consent, terms, added, by)
    return await _outcome(session, consent, added)


async def revoke(
    session: WriteSession,
    school_id: str,
    app_id: str,
    *,
    by: Actor,
    scopes: Collection[str] | None = None,
    reason: str | None = None,
) -> Outcome:
    """Take scopes out of force, or end the whole consent. A scope that is not in force stays so, without an event."""
    consent = await _locked(session, school_id, app_id)
    if consent is None:
        raise FieldgateError("CONSENT_UNKNOWN", "The school has no consent with this app.")
    if not consent.in_force:
        state = "expired" if consent.lapsed else consent.state
        raise FieldgateError("CONSENT_STATE", f"The consent is {state}: there is nothing to revoke.", state=state)
    if scopes is None:
        return await _end(session, consent, "consent_revoked", by, reason)
    granted = await _grants(session, consent)
    _check_known(set(scopes) - granted.keys())
    removed = sorted(granted.keys() & set(scopes))
    await session.execute_many(
        "DELETE FROM consent_grant WHERE school_id = ? AND app_id = ? AND scope = ?",
        [(school_id, app_id, scope) for scope in removed],
    )
    if removed:
        await _record(session, "scope_revoked", consent, by, {"scopes": removed, "reason": reason})
    return await _outcome(session, consent, removed)


# What a grant leads to -------------------------------------------------------------------------------------------


def _chosen(asked: Asked, products: Collection[str] | None, consent: _Consent | None) -> tuple[str, ...]:
    """The products that the consent is for: never fewer than it had, as each brings row conditions of its own."""
    unknown = sorted(set(products or ()) - set(asked.row_conditions))
    if unknown:
        raise FieldgateError("PRODUCT_UNKNOWN", f"The app has no product {unknown[0]!a}.", products=unknown)
    if consent is None or not consent.in_force:
        return tuple(sorted(set(products or asked.row_conditions)))
    chosen = {*(products or ()), *consent.terms.products} & set(asked.row_conditions)
    if not chosen:
        raise FieldgateError("PRODUCT_UNKNOWN", "The app no longer has any product that this consent is for.")
    return tuple(sorted(chosen))


def _wanted(needs: dict[str, str], scopes: Collection[str] | None, app: AppSummary) -> list[str]:
    if scopes is None:
        return sorted(scope for scope, need in needs.items() if need == REQUIRED)
    strangers = sorted(set(scopes) - set(needs))
    if strangers:
        _check_known(strangers)
        raise FieldgateError(
            "SCOPE_NOT_REQUESTED", f"{app.name} does not ask this school for {strangers[0]}.", scopes=strangers
        )
    return sorted(set(scopes))


def _check_known(scopes: Collection[str]) -> None:
    if not scopes:
        return
    from schema.registry import REGISTRY  # only a refusal needs the catalogue

    unknown = sorted(scope for scope in scopes if scope not in REGISTRY.scopes)
    if unknown:
        raise FieldgateError("SCOPE_UNKNOWN", f"The catalogue has no scope {unknown[0]!a}.", scopes=unknown)


def _terms(asked: Asked, app: AppSummary, chosen: tuple[str, ...], consent: _Consent | None, end: str | None) -> Terms:
    held = consent.terms if consent and consent.in_force else None
    # What one product promises to leave out, no other product of the app shows either (decision 0015).
    conditions = {each for stated in asked.row_conditions.values() for each in json.loads(stated)}
    return Terms(
        products=chosen,
        # INVARIANT: conditions are only ever added to a consent in force, so no amendment shows more rows.
        row_conditions=tuple(sorted(conditions | set(held.row_conditions if held else ()))),
        manifest_version=app.version,
        expires_at=None if end == NEVER else end or (held.expires_at if held else None),
    )


async def _open(
    session: WriteSession, school_id: str, app_id: str, consent: _Consent | None, terms: Terms, by: Actor
) -> _Consent:
    """Bring the consent into force, from no consent or from a state in which it is not."""
    now, instant = session.dialect.now, session.dialect.instant()
    values = (canonical_json(terms.products), canonical_json(terms.row_conditions), terms.manifest_version)
    if consent is None:
        opened = _Consent(school_id, app_id, new_record_id("cns", school_id), "approved", terms, lapsed=False)
        changed = await session.execute(
            "INSERT INTO consent (school_id, app_id, id, state, version, products, row_conditions, manifest_version, "
            "created_at, decided_at, decided_by, decided_position, expires_at) "
            f"VALUES (?, ?, ?, 'approved', 1, ?, ?, ?, {now}, {now}, ?, ?, {instant}) ON CONFLICT DO NOTHING",
            school_id, app_id, opened.id, *values, by.name, by.position, terms.expires_at,
        )  # fmt: skip
    else:
        # INVARIANT: what comes into force is what this approval says; no grant of an earlier one comes back with it.
        await session.execute("DELETE FROM consent_grant WHERE school_id = ? AND app_id = ?", school_id, app_id)
        opened = replace(consent, state="approved", terms=terms, lapsed=False)
        changed = await session.execute(
            "UPDATE consent SET state = 'approved', products = ?, row_conditions = ?, manifest_version = ?, "
            f"decided_at = {now}, decided_by = ?, decided_position = ?, expires_at = {instant}, revoked_at = NULL, "
            "revoke_reason = NULL WHERE school_id = ? AND app_id = ? AND state = ?",
            *values, by.name, by.position, terms.expires_at, school_id, app_id, consent.state,
        )  # fmt: skip
    _must_have_changed(changed)
    return opened


async def _put_in_force(
    session: WriteSession, consent: _Consent, wanted: list[str], end: str | None, by: Actor
) -> list[str]:
    """Add or renew grants. A grant in force keeps its own expiry unless another is given."""
    dialect = session.dialect
    held = await _grants(session, consent)
    expires = None if end == NEVER else end
    changed = [scope for scope in wanted if scope not in held or (end is not None and held[scope] != expires)]
    # A row may be left from a grant that has expired; in its place stands the new one.
    await session.execute_many(
        "DELETE FROM consent_grant WHERE school_id = ? AND app_id = ? AND scope = ?",
        [(consent.school_id, consent.app_id, scope) for scope in changed],
    )
    await session.execute_many(
        "INSERT INTO consent_grant (school_id, app_id, scope, granted_at, granted_by, expires_at) "
        f"VALUES (?, ?, ?, {dialect.now}, ?, {dialect.instant()})",
        [(consent.school_id, consent.app_id, scope, by.name, expires) for scope in changed],
    )
    return changed


async def _amend(session: WriteSession, consent: _Consent, terms: Terms, added: list[str], by: Actor) -> None:
    if terms != consent.terms:
        changed = await session.execute(
            "UPDATE consent SET products = ?, row_conditions = ?, manifest_version = ?, "
            f"expires_at = {session.dialect.instant()} WHERE school_id = ? AND app_id = ? AND state = 'approved'",
            canonical_json(terms.products), canonical_json(terms.row_conditions), terms.manifest_version,
            terms.expires_at, consent.school_id, consent.app_id,
        )  # fmt: skip
        _must_have_changed(changed)
        details = {"scopes": added, "before": _spoken(consent.terms), "after": _spoken(terms)}
        await _record(session, "consent_amended", consent, by, details)
    elif added:
        await _record(session, "scope_granted", consent, by, {"scopes": added})


# Ends ------------------------------------------------------------------------------------------------------------


async def _end(session: WriteSession, consent: _Consent, event: str, by: Actor, reason: str | None) -> Outcome:
    changed = await session.execute(
        f"UPDATE consent SET state = 'revoked', revoked_at = {session.dialect.now}, revoke_reason = ? "
        "WHERE school_id = ? AND app_id = ? AND state = 'approved'",
        reason, consent.school_id, consent.app_id,
    )  # fmt: skip
    _must_have_changed(changed)
    removed = list(await _grants(session, consent))
    await session.execute(
        "DELETE FROM consent_grant WHERE school_id = ? AND app_id = ?", consent.school_id, consent.app_id
    )
    details = {"scopes": removed, "reason": reason, "before": "approved", "after": "revoked"}
    await _record(session, event, consent, by, details)
    return await _outcome(session, replace(consent, state="revoked"), removed)


async def _lapse(session: WriteSession, consent: _Consent) -> _Consent:
    """Record that the consent's expiry has passed; reads have obeyed it since."""
    await _end(session, consent, "consent_expired", Actor("fieldgate"), "expired")
    return replace(consent, state="revoked", lapsed=False)


# Rows ------------------------------------------------------------------------------------------------------------


async def _locked(session: WriteSession, school_id: str, app_id: str) -> _Consent | None:
    dialect = session.dialect
    rows = await session.fetch(
        f"SELECT id, state, products, row_conditions, manifest_version, {dialect.instant_text('expires_at')}, "
        f"coalesce(expires_at <= {dialect.now}, false) FROM consent WHERE school_id = ? AND app_id = ?"
        f"{dialect.row_lock}",
        school_id, app_id,
    )  # fmt: skip
    for consent_id, state, products, conditions, version, expires_at, past in rows:
        terms = Terms(tuple(json.loads(products)), tuple(json.loads(conditions)), version, expires_at)
        return _Consent(school_id, app_id, consent_id, state, terms, lapsed=state == "approved" and bool(past))
    return None


async def _grants(session: WriteSession, consent: _Consent) -> dict[str, str | None]:
    """The grants in force, by scope, with their own expiry."""
    dialect = session.dialect
    rows = await session.fetch(
        f"SELECT scope, {dialect.instant_text('expires_at')} FROM consent_grant WHERE school_id = ? AND app_id = ? "
        f"AND (expires_at IS NULL OR expires_at > {dialect.now}) ORDER BY scope",
        consent.school_id, consent.app_id,
    )  # fmt: skip
    return {row[0]: row[1] for row in rows}


async def _outcome(session: WriteSession, consent: _Consent, scopes: Collection[str]) -> Outcome:
    [[version]] = await session.fetch(
        "SELECT version FROM consent WHERE school_id = ? AND app_id = ?", consent.school_id, consent.app_id
    )
    return Outcome(consent.id, consent.state, int(version), tuple(scopes))


async def _record(
    session: WriteSession, name: str, consent: _Consent, by: Actor, details: Mapping[str, object]
) -> None:
    await audit.record(session, name, chain=consent.school_id, by=by, app_id=consent.app_id, details=details)


def _must_have_changed(rows: int) -> None:
    if rows != 1:
        raise FieldgateError("DATABASE_BUSY", "Another process changed the consent at the same time.")


def _spoken(terms: Terms) -> Mapping[str, object]:
    return {
        "products": terms.products,
        "rowConditions": terms.row_conditions,
        "manifestVersion": terms.manifest_version,
        "expiresAt": terms.expires_at,
    }
