"""Answers what a school's staff ask and do: each call authenticates the token in the session in which it works.

An administrator acts at one school. Another school's ids are answered as ids that nothing has.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from authz import access_settings, access_views, overrides, staff
from authz.access_settings import Wanted, as_defaults
from authz.access_views import Explanation
from authz.audit import Actor
from authz.capabilities import doubtful, of_school
from authz.overrides import BulkFilter, unknown_link
from authz.principal import StaffPrincipal
from authz.session import ReadSession, WriteSession
from resolvers.people.calls import Call, Handler
from schema.errors import FieldgateError
from schema.ids import school_of
from schema.names import camel, public
from schema.people.staff import FLAGS
from schema.vocabulary import ACCESS_WARNINGS

MAX_PAGE = 500
SETTINGS = {name: snake for snake in Wanted.__annotations__ for name in [camel(snake)]}
"""Argument → setting."""


# Who asks ---------------------------------------------------------------------------------------------------------


async def administrator(session: ReadSession, call: Call) -> StaffPrincipal:
    """The administrator whose token it is, at this moment."""
    found = await staff.authenticate(session, call.token_hash)
    if found is None or found.role != staff.ADMINISTRATOR:
        raise FieldgateError("UNAUTHENTICATED", "This needs a staff token (fgs_…) of an administrator, valid now.")
    return found


@asynccontextmanager
async def reading(call: Call) -> AsyncIterator[tuple[ReadSession, StaffPrincipal]]:
    """One snapshot, and who reads in it."""
    async with call.sessions.read() as session:
        yield session, await administrator(session, call)


@asynccontextmanager
async def writing(call: Call) -> AsyncIterator[tuple[WriteSession, StaffPrincipal, Actor]]:
    """One write transaction, and who writes in it."""
    async with call.sessions.read() as session:  # so that no stranger ever takes a writer's turn
        await administrator(session, call)
    async with call.sessions.write() as session:
        person = await administrator(session, call)
        yield session, person, Actor(person.name, person.position)


def own_school(call: Call, person: StaffPrincipal) -> str:
    """The school that is asked about, which must be the person's own."""
    if call.arguments["schoolId"] != person.school_id:
        raise FieldgateError("SCHOOL_UNKNOWN", "There is no school with this id.")
    return person.school_id


def own_link(call: Call, person: StaffPrincipal) -> str:
    """The link that is asked about, by an id of the person's own school."""
    link_id = str(call.arguments["linkId"])
    if school_of(link_id) != person.school_id:
        raise unknown_link()
    return link_id


# What is asked ----------------------------------------------------------------------------------------------------


async def contact_access(call: Call) -> Any:
    """`Query.contactAccess`."""
    async with reading(call) as (session, person):
        return await _settings(session, own_school(call, person))


async def explain_contact_access(call: Call) -> Any:
    """`Query.explainContactAccess`."""
    async with reading(call) as (session, person):
        return await _explained(session, person.school_id, own_link(call, person))


async def access_warnings(call: Call) -> Any:
    """`Query.accessWarnings`."""
    async with reading(call) as (session, person):
        school_id, after = own_school(call, person), call.arguments["after"]
        if after is not None and school_of(after) != school_id:
            raise FieldgateError("BAD_CURSOR", "The cursor is not one of this list.")
        page = await access_views.warnings(session, school_id, limit=_first(call), after=after)
    return {
        "counts": [{"code": code, "count": count} for code, count in page.counts.items()],
        "warnings": [{**public(each), "text": ACCESS_WARNINGS[each.code]} for each in page.warnings],
        "endCursor": page.end,
        "hasNextPage": page.more,
    }


async def preview_contact_access(call: Call) -> Any:
    """`Query.previewContactAccess`."""
    async with reading(call) as (session, person):
        school_id = own_school(call, person)
        todays = call.arguments["applyTodaysDefaults"]
        return public(
            await access_settings.preview(
                session, school_id, todays_defaults=todays, listed=_first(call), **_wanted(call)
            )
        )


# What is done -----------------------------------------------------------------------------------------------------


async def set_contact_access(call: Call) -> Any:
    """`Mutation.setContactAccess`."""
    async with writing(call) as (session, person, by):
        link_id = own_link(call, person)
        permission, note = call.arguments["permission"], call.arguments["note"]
        await overrides.set_override(session, person.school_id, link_id, permission, by, note)
        return await _explained(session, person.school_id, link_id)


async def confirm_contact_access(call: Call) -> Any:
    """`Mutation.confirmContactAccess`."""
    async with writing(call) as (session, person, by):
        link_id = own_link(call, person)
        await overrides.confirm(session, person.school_id, link_id, by)
        return await _explained(session, person.school_id, link_id)


async def clear_contact_access(call: Call) -> Any:
    """`Mutation.clearContactAccess`."""
    async with writing(call) as (session, person, by):
        link_id = own_link(call, person)
        await overrides.clear(session, person.school_id, link_id, by)
        return await _explained(session, person.school_id, link_id)


async def bulk_set_contact_access(call: Call) -> Any:
    """`Mutation.bulkSetContactAccess`."""
    permission, note = call.arguments["permission"], call.arguments["note"]
    if call.arguments["dryRun"]:
        async with reading(call) as (snapshot, person):
            school_id, wanted = own_school(call, person), _filter(call)
            done = await overrides.preview_bulk(snapshot, school_id, wanted, permission, note)
    else:
        async with writing(call) as (session, person, by):
            school_id, wanted = own_school(call, person), _filter(call)
            done = await overrides.bulk_set(session, school_id, wanted, permission, by, note)
    return {**public(done), **public(done.preview), "links": public(done.links)}


async def change_contact_access(call: Call) -> Any:
    """`Mutation.changeContactAccess`."""
    async with writing(call) as (session, person, by):
        school_id = own_school(call, person)
        acknowledge = call.arguments["acknowledge"]
        await access_settings.change(session, school_id, by=by, acknowledge=acknowledge, **_wanted(call))
        return await _settings(session, school_id)


async def set_default_contact_permissions(call: Call) -> Any:
    """`Mutation.setDefaultContactPermissions`."""
    async with writing(call) as (session, person, by):
        school_id = own_school(call, person)
        wanted = as_defaults((each["relationship"], each["permission"]) for each in call.arguments["permissions"])
        await access_settings.set_defaults(session, school_id, wanted, by)
        return await _settings(session, school_id)


async def apply_todays_defaults(call: Call) -> Any:
    """`Mutation.applyTodaysDefaults`."""
    if call.arguments["dryRun"]:
        async with reading(call) as (snapshot, person):
            done = await access_settings.preview_defaults(snapshot, own_school(call, person))
    else:
        async with writing(call) as (session, person, by):
            done = await access_settings.apply_defaults(session, own_school(call, person), by)
    return {**public(done), **public(done.preview)}


HANDLERS: Mapping[str, Handler] = {
    "contactAccess": contact_access,
    "explainContactAccess": explain_contact_access,
    "accessWarnings": access_warnings,
    "previewContactAccess": preview_contact_access,
    "setContactAccess": set_contact_access,
    "confirmContactAccess": confirm_contact_access,
    "clearContactAccess": clear_contact_access,
    "bulkSetContactAccess": bulk_set_contact_access,
    "changeContactAccess": change_contact_access,
    "setDefaultContactPermissions": set_default_contact_permissions,
    "applyTodaysDefaults": apply_todays_defaults,
}


# Values -----------------------------------------------------------------------------------------------------------


async def _settings(session: ReadSession, school_id: str) -> Any:
    known = await access_settings.read(session, school_id)
    capabilities = await of_school(session, school_id)
    doubts = doubtful(capabilities)
    settings = public(known.settings)
    return {
        "source": settings["source"],
        **{name: settings[name] for name in FLAGS},
        "defaultsVersion": known.defaults_version,
        "defaults": [{"relationship": label, "permission": value} for label, value in known.defaults.items()],
        "capabilities": [
            {**public(each), "attribute": each.attribute.upper(), "doubtful": each in doubts} for each in capabilities
        ],
    }


async def _explained(session: ReadSession, school_id: str, link_id: str) -> Any:
    found: Explanation = await access_views.explain(session, school_id, link_id)
    shown = found.override
    return {
        "link": public(found.link),
        **public(found.answer),
        "source": found.settings.source,
        "rungs": public(found.rungs),
        "override": public(shown.override) if shown else None,
        "maskedBy": shown.masked_by if shown else None,
        "overrideToReview": shown is not None and shown.to_review,
        "history": public(await overrides.history(session, school_id, link_id)),
        "flags": public(found.flags),
        "defaultsVersion": found.defaults_version,
        "todaysVersion": found.todays_version,
    }


def _wanted(call: Call) -> Wanted:
    wanted: Any = {snake: call.arguments[name] for name, snake in SETTINGS.items()}
    return wanted  # type: ignore[no-any-return]


def _filter(call: Call) -> BulkFilter:
    given = call.arguments["filter"]
    ids = (given["yearGroupId"], given["classId"])
    if any(each is not None and school_of(each) is None for each in ids):
        raise FieldgateError("BAD_ID", "An id has not the form that this API gives ids.")
    return BulkFilter(given["relationship"], *ids, given["presentAnswer"])


def _first(call: Call) -> int:
    first: int = call.arguments["first"]
    if not 1 <= first <= MAX_PAGE:
        raise FieldgateError("BAD_PAGE", f"`first` must be from 1 to {MAX_PAGE}.")
    return first
