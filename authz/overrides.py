"""The only writer of overrides: permissions that a school sets by hand on single links, which stand until cleared.

An override is never edited: setting another, or the same again, clears the one in force and adds one, in one
transaction with one audit event. No connector ever comes here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from authz import accounts, audit, schools
from authz.access import LINK, links_sql, settings_of
from authz.access_previews import LISTED, Comparison, LinkChange, Preview, answered
from authz.access_settings import take_turn
from authz.audit import Actor, canonical_json
from authz.clock import canonical, read_clock
from authz.contact_access import permission_sql, relationship_key
from authz.id_lists import among
from authz.id_lists import listed as id_list
from authz.session import ReadSession, WriteSession
from authz.texts import checked_note, checked_search
from schema.errors import FieldgateError
from schema.ids import new_record_id
from schema.vocabulary import OVERRIDE_ORIGINS, PERMISSIONS

MANUAL, BULK = OVERRIDE_ORIGINS
MANY = 1000
MOST_SHOWN = 50
"""Overrides of one link that are shown; all of them stay."""


@dataclass(frozen=True, slots=True)
class Override:
    """A permission that was set by hand on one link. In force until `cleared_at`."""

    id: str
    link_id: str
    value: str
    set_by: str
    set_by_position: str | None
    set_at: str
    note: str | None
    origin: str
    confirmed_at: str | None = None
    confirmed_by: str | None = None
    cleared_at: str | None = None
    cleared_by: str | None = None


@dataclass(frozen=True, slots=True)
class BulkFilter:
    """Which links a bulk change is for: those that meet all that is given. `answer`: the permission they have now."""

    relationship: str | None = None
    year_group_id: str | None = None
    class_id: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a bulk change did, or would do. `links`: the first that it is for; `preview`: whose answer changes."""

    count: int
    done: bool
    links: tuple[LinkChange, ...]
    preview: Preview


# One link --------------------------------------------------------------------------------------------------------


async def set_override(
    session: WriteSession,
    school_id: str,
    link_id: str,
    value: str,
    by: Actor,
    note: str | None = None,
    origin: str = MANUAL,
) -> Override:
    """Set the permission of one link, in place of the override in force if there is one."""
    if value not in PERMISSIONS or origin not in OVERRIDE_ORIGINS:
        raise KeyError(value, origin)
    text = checked_note(note)
    contact_id = await _begin(session, school_id, link_id)
    before = await in_force(session, school_id, link_id)
    now = canonical(await read_clock(session))
    if before is not None:
        await _clear(session, school_id, [before.id], now, by)
    new = Override(new_record_id("ovr", school_id), link_id, value, by.name, by.position, now, text, origin)
    await _add(session, school_id, [new])
    # A note may tell of a family, and the chain of events is for ever: it stays in the override's own row.
    details = {"link": link_id, "override": new.id, "before": before.value if before else None, "after": value}
    await _end(session, school_id, "override_set", by, details, contact_id)
    return new


async def confirm(session: WriteSession, school_id: str, link_id: str, by: Actor) -> Override:
    """Say of the override in force that it is still meant: it is no longer to review."""
    contact_id = await _begin(session, school_id, link_id)
    override = await _must_be_in_force(session, school_id, link_id)
    await session.execute(
        f"UPDATE contact_override SET confirmed_at = {session.dialect.now}, confirmed_by = ? "
        "WHERE school_id = ? AND id = ?",
        by.name, school_id, override.id,
    )  # fmt: skip
    details = {"link": link_id, "override": override.id, "value": override.value}
    await _end(session, school_id, "override_confirmed", by, details, contact_id)
    return await _must_be_in_force(session, school_id, link_id)


async def clear(session: WriteSession, school_id: str, link_id: str, by: Actor) -> Override:
    """Take the override out of force: the link has its computed answer again. The override that was."""
    contact_id = await _begin(session, school_id, link_id)
    override = await _must_be_in_force(session, school_id, link_id)
    await _clear(session, school_id, [override.id], canonical(await read_clock(session)), by)
    details = {"link": link_id, "override": override.id, "before": override.value, "after": None}
    await _end(session, school_id, "override_cleared", by, details, contact_id)
    return override


async def in_force(session: ReadSession, school_id: str, link_id: str) -> Override | None:
    """The link's override in force."""
    found = await _read(session, school_id, link_id, " AND cleared_at IS NULL")
    return found[0] if found else None


async def history(session: ReadSession, school_id: str, link_id: str, most: int = MOST_SHOWN) -> list[Override]:
    """The overrides that the link had, so many of the newest, the newest last; of a deleted link too."""
    if not await session.fetch("SELECT 1 FROM student_contact WHERE school_id = ? AND id = ?", school_id, link_id):
        raise unknown_link()
    return await _read(session, school_id, link_id, most=most)


def unknown_link() -> FieldgateError:
    """The refusal of a link that the school does not have."""
    return FieldgateError("LINK_UNKNOWN", "The school has no such link between a student and a contact.")


# Many links ------------------------------------------------------------------------------------------------------


async def preview_bulk(
    session: ReadSession,
    school_id: str,
    wanted: BulkFilter,
    value: str,
    note: str | None = None,
    *,
    listed: int = LISTED,
) -> BulkResult:
    """For which links `bulk_set` would set the permission, and who gains and loses; or why it would be refused."""
    await schools.find(session, school_id)
    checked_note(note)
    return await _seen(session, await _compared(session, school_id, wanted, value), listed)


async def bulk_set(
    session: WriteSession,
    school_id: str,
    wanted: BulkFilter,
    value: str,
    by: Actor,
    note: str | None = None,
    *,
    listed: int = LISTED,
) -> BulkResult:
    """Set the permission of every link that meets the filter, all or none."""
    text = checked_note(note)
    await take_turn(session, school_id)
    compared = await _compared(session, school_id, wanted, value)
    seen = await _seen(session, compared, listed)
    found = await session.fetch(
        f"SELECT l.id, o.id FROM {links_sql()} WHERE l.school_id = ?{compared.condition} ORDER BY l.id",
        school_id, *compared.parameters,
    )  # fmt: skip
    if found:
        now = canonical(await read_clock(session))
        await _clear(session, school_id, [override_id for _, override_id in found if override_id], now, by)
        new = (
            Override(new_record_id("ovr", school_id), link_id, value, by.name, by.position, now, text, BULK)
            for link_id, _ in found
        )
        await _add(session, school_id, list(new))
        if len(found) >= MANY and not session.dialect.is_sqlite:
            await session.execute("ANALYZE contact_override")  # every answer joins it, and takes it for small till then
        details = {"count": len(found), "filter": asdict(wanted), "value": value, "setAt": now}
        await _end(session, school_id, "overrides_bulk_set", by, details)
    return replace(seen, count=len(found), done=True)


async def _compared(session: ReadSession, school_id: str, wanted: BulkFilter, value: str) -> Comparison:
    """The links that meet the filter, as they are answered now and with this permission set by hand."""
    if value not in PERMISSIONS:
        raise KeyError(value)
    now = answered(await settings_of(session, school_id))
    facts = LINK.facts(session.dialect)
    condition, parameters = _condition(wanted, permission_sql(now.settings, facts))
    then = answered(now.settings, override=f"'{value}'", to_review="FALSE")
    return Comparison(school_id, now, then, f"{condition} AND NOT ({facts['gone']})", parameters)


async def _seen(session: ReadSession, compared: Comparison, listed: int) -> BulkResult:
    links = await compared.links(session, listed=listed)
    preview = await compared.preview(session, listed=listed)
    return BulkResult(preview.links, done=False, links=links, preview=preview)


def _condition(wanted: BulkFilter, permission: str) -> tuple[str, list[object]]:
    """The filter as ` AND …` over a row of `links_sql`, with its parameters."""
    key = relationship_key(checked_search(wanted.relationship or "", "The relationship"))
    parts: list[tuple[str, object]] = []
    if key is not None:
        parts.append(("l.relationship_key = ?", key))
    if wanted.year_group_id is not None:
        parts.append(("s.year_id = ?", wanted.year_group_id))
    if wanted.class_id is not None:
        member = "SELECT 1 FROM student_class m WHERE m.school_id = l.school_id AND m.student_id = l.student_id"
        parts.append((f"EXISTS ({member} AND m.class_id = ?)", wanted.class_id))
    if wanted.answer is not None:
        parts.append((f"{permission} = ?", wanted.answer))
    # INVARIANT: what is given and cannot be used must not widen the change to all links.
    if not parts or (wanted.relationship is not None and key is None):
        raise FieldgateError("FILTER_NEEDED", "A bulk change must say for which links it is.")
    return "".join(f" AND {sql}" for sql, _ in parts), [parameter for _, parameter in parts]


# Rows ------------------------------------------------------------------------------------------------------------


async def _begin(session: WriteSession, school_id: str, link_id: str) -> str:
    """Take the school's turn; the contact of the link, which must be there."""
    await take_turn(session, school_id)
    gone = LINK.facts(session.dialect)["gone"]
    found = await session.fetch(
        f"SELECT l.contact_id FROM {links_sql()} WHERE l.school_id = ? AND l.id = ? AND NOT ({gone})",
        school_id, link_id,
    )  # fmt: skip
    if not found:
        raise unknown_link()
    return str(found[0][0])


async def _end(
    session: WriteSession,
    school_id: str,
    name: str,
    by: Actor,
    details: Mapping[str, object],
    contact_id: str | None = None,
) -> None:
    """Suspend who has lost the last access, the link's contact or anybody; then record what was done."""
    lost = await accounts.suspend_lost(session, school_id, contact_id)
    await audit.record(session, name, chain=school_id, by=by, details=details)
    await accounts.settle(session, school_id, lost)


async def _must_be_in_force(session: ReadSession, school_id: str, link_id: str) -> Override:
    override = await in_force(session, school_id, link_id)
    if override is None:
        raise FieldgateError("OVERRIDE_UNKNOWN", "The link has no override in force.")
    return override


async def _read(
    session: ReadSession, school_id: str, link_id: str, condition: str = "", most: int = 1
) -> list[Override]:
    dialect = session.dialect
    set_at, confirmed, cleared = (dialect.instant_text(name) for name in ("set_at", "confirmed_at", "cleared_at"))
    rows = await session.fetch(
        f"SELECT id, link_id, value, set_by, set_by_position, {set_at}, note, origin, {confirmed}, "
        f"confirmed_by, {cleared}, cleared_by FROM contact_override WHERE school_id = ? AND link_id = ?{condition} "
        "ORDER BY contact_override.set_at DESC, contact_override.cleared_at IS NULL DESC, "
        "contact_override.cleared_at DESC, id DESC LIMIT ?",
        school_id, link_id, most,
    )  # fmt: skip
    return [Override(*row) for row in reversed(rows)]


async def _clear(session: WriteSession, school_id: str, overrides: Collection[str], now: str, by: Actor) -> None:
    await session.execute(
        f"UPDATE contact_override SET cleared_at = {session.dialect.instant()}, cleared_by = ? "
        f"WHERE school_id = ? AND id {among(session.dialect)}",
        now, by.name, school_id, id_list(overrides),
    )  # fmt: skip


async def _add(session: WriteSession, school_id: str, overrides: Sequence[Override]) -> None:
    """Add overrides that differ in their ids and links only, in one statement."""
    one = overrides[0]
    if session.dialect.is_sqlite:
        pairs = "SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS link_id FROM json_each(?)"
    else:
        pairs = "SELECT each ->> 0 AS id, each ->> 1 AS link_id FROM jsonb_array_elements(?::text::jsonb) each"
    await session.execute(
        "INSERT INTO contact_override (school_id, id, link_id, value, set_by, set_by_position, set_at, note, origin) "
        f"SELECT ?, id, link_id, ?, ?, ?, {session.dialect.instant()}, ?, ? FROM ({pairs}) pairs",
        school_id, one.value, one.set_by, one.set_by_position, one.set_at, one.note, one.origin,
        canonical_json([(each.id, each.link_id) for each in overrides]),
    )  # fmt: skip
