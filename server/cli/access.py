"""`fieldgate access`: why contacts have access, and what a school changes about it. It holds from the next request on.

A change with consequences says first who gains and who loses access; it is done only with --yes.
"""

from typing import Annotated, Any

import typer

from authz import access_settings, access_views, overrides
from authz.access_previews import Preview
from authz.access_settings import SchoolAccess, Wanted, as_defaults
from authz.capabilities import Capability, of_school
from authz.contact_access import AccessSettings
from authz.overrides import BulkFilter, Override, unknown_link
from authz.session import ReadSession, WriteSession
from schema.ids import school_of
from schema.vocabulary import PERMISSIONS, SYNC
from server.cli import access_output as output
from server.cli.access_options import (
    DEFAULT_LISTED,
    PERMISSION,
    SOURCE,
    AcknowledgeOption,
    ApplicantsOption,
    AssumedOption,
    ConfirmOption,
    CourtOrderOption,
    LeaversOption,
    LinkArgument,
    ListedOption,
    NoteOption,
    SchoolOption,
    YesOption,
)
from server.cli.database import ByOption, DatabaseOption, JsonOption, PositionOption, actor, read, write
from server.cli.output import note, print_json

app = typer.Typer(no_args_is_help=True, help="Contacts' access: why, and what a school changes about it.")


# Look -------------------------------------------------------------------------------------------------------------


@app.command()
def show(school: SchoolOption, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Show a school's source, settings, default permissions, and what its MIS supplies."""

    async def work(session: ReadSession) -> tuple[SchoolAccess, tuple[Capability, ...]]:
        return await access_settings.read(session, school), await of_school(session, school)

    known, capabilities = read(database, work)
    if as_json:
        print_json(**_settings_json(known), capabilities=[_capability_json(each) for each in capabilities])
    else:
        output.print_settings(known, capabilities)


@app.command()
def explain(link: LinkArgument, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Say why a link has its answer: every rung, the facts, the overrides."""
    school = _school_of(link)

    async def work(session: ReadSession) -> tuple[access_views.Explanation, list[Override]]:
        return await access_views.explain(session, school, link), await overrides.history(session, school, link)

    found, history = read(database, work)
    if as_json:
        print_json(explanation=found, history=history)
    else:
        output.print_explanation(found, history)


@app.command()
def warnings(
    school: SchoolOption,
    listed: ListedOption = DEFAULT_LISTED,
    after: Annotated[str | None, typer.Option(metavar="LINK_ID", help="Only links after this one.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the links that a school should look at."""

    async def work(session: ReadSession) -> access_views.WarningsPage:
        await access_settings.read(session, school)  # refuses a school that is not there
        return await access_views.warnings(session, school, limit=listed, after=after)

    page = read(database, work)
    if as_json:
        print_json(counts=page.counts, warnings=page.warnings, end=page.end, more=page.more)
    else:
        output.print_warnings(page)


@app.command()
def preview(
    school: SchoolOption,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", parser=SOURCE, help="The source.")] = None,
    court_order_always_denies: CourtOrderOption = None,
    confirm_masked_overrides: ConfirmOption = None,
    access_for_leavers: LeaversOption = None,
    access_for_applicants: ApplicantsOption = None,
    accept_assumed_priorities: AssumedOption = None,
    todays_defaults: Annotated[bool, typer.Option("--todays-defaults", help="Today's defaults on all links.")] = False,
    listed: ListedOption = DEFAULT_LISTED,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who would gain and who would lose access, and change nothing."""
    wanted: Wanted = {
        "source": source,
        "court_order_always_denies": court_order_always_denies,
        "confirm_masked_overrides": confirm_masked_overrides,
        "access_for_leavers": access_for_leavers,
        "access_for_applicants": access_for_applicants,
        "accept_assumed_priorities": accept_assumed_priorities,
    }

    async def work(session: ReadSession) -> Preview:
        return await access_settings.preview(session, school, todays_defaults=todays_defaults, listed=listed, **wanted)

    seen = read(database, work)
    if as_json:
        print_json(preview=seen)
    else:
        output.print_preview(seen)


# Override ---------------------------------------------------------------------------------------------------------


@app.command("set")
def set_access(
    link: LinkArgument,
    permission: Annotated[str, typer.Argument(metavar="PERMISSION", parser=PERMISSION)],
    text: NoteOption = None,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the permission of one link by hand: VIEW_AND_UPDATE or NO_PERMISSION. It stands until it is cleared."""
    school, person = _school_of(link), actor(by, position)
    made = write(database, lambda session: overrides.set_override(session, school, link, permission, person, note=text))
    _print_override("Set", made, as_json=as_json)


@app.command()
def confirm(
    link: LinkArgument,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say of the override in force that it is still meant."""
    school, person = _school_of(link), actor(by, position)
    confirmed = write(database, lambda session: overrides.confirm(session, school, link, person))
    _print_override("Confirmed", confirmed, as_json=as_json)


@app.command()
def clear(
    link: LinkArgument,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the override out of force: the link has its computed answer again."""
    school, person = _school_of(link), actor(by, position)
    cleared = write(database, lambda session: overrides.clear(session, school, link, person))
    _print_override("Cleared", cleared, as_json=as_json)


@app.command("bulk-set")
def bulk_set(
    school: SchoolOption,
    permission: Annotated[str, typer.Argument(metavar="PERMISSION", parser=PERMISSION)],
    relationship: Annotated[str | None, typer.Option(help="Links of this relationship.")] = None,
    year_group: Annotated[str | None, typer.Option(metavar="ID", help="Of students of this year group.")] = None,
    school_class: Annotated[
        str | None, typer.Option("--class", metavar="ID", help="Of students of this class.")
    ] = None,
    answer: Annotated[
        str | None, typer.Option(metavar="PERMISSION", parser=PERMISSION, help="Links that have this answer now.")
    ] = None,
    text: NoteOption = None,
    yes: YesOption = False,
    listed: ListedOption = DEFAULT_LISTED,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the permission of many links by hand, all or none; at least one way to choose them must be given."""
    wanted, person = BulkFilter(relationship, year_group, school_class, answer), actor(by, position)
    if yes:
        done = write(
            database,
            lambda session: overrides.bulk_set(session, school, wanted, permission, person, text, listed=listed),
        )
    else:
        done = read(
            database, lambda session: overrides.preview_bulk(session, school, wanted, permission, text, listed=listed)
        )
    if as_json:
        print_json(bulk=done)
        return
    output.print_changes(done.links)
    output.print_preview(done.preview)
    print(f"{done.count} links {'are' if done.done else 'would be'} set to {permission}.")
    _say_dry(yes)


# Settings ---------------------------------------------------------------------------------------------------------


@app.command()
def source(
    school: SchoolOption,
    name: Annotated[str, typer.Argument(metavar="SOURCE", parser=SOURCE)],
    acknowledge: AcknowledgeOption = None,
    yes: YesOption = False,
    listed: ListedOption = DEFAULT_LISTED,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose what access is worked out from: RELATIONSHIP_TYPE or SYNC."""
    who = {"by": actor(by, position), "acknowledge": acknowledge or ()}
    _change(school, {"source": name}, who, database, yes=yes, listed=listed, as_json=as_json)


@app.command()
def settings(
    school: SchoolOption,
    court_order_always_denies: CourtOrderOption = None,
    confirm_masked_overrides: ConfirmOption = None,
    access_for_leavers: LeaversOption = None,
    access_for_applicants: ApplicantsOption = None,
    accept_assumed_priorities: AssumedOption = None,
    yes: YesOption = False,
    listed: ListedOption = DEFAULT_LISTED,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a school's settings beside its source."""
    wanted: Wanted = {
        "court_order_always_denies": court_order_always_denies,
        "confirm_masked_overrides": confirm_masked_overrides,
        "access_for_leavers": access_for_leavers,
        "access_for_applicants": access_for_applicants,
        "accept_assumed_priorities": accept_assumed_priorities,
    }
    _change(school, wanted, {"by": actor(by, position)}, database, yes=yes, listed=listed, as_json=as_json)


@app.command()
def defaults(
    school: SchoolOption,
    wanted: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="RELATIONSHIP=PERMISSION", help="One of the whole new set; may be repeated."),
    ] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="No relationship has access by default.")] = False,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the default permissions, or set the whole set that links take which are first synced from now on."""
    if wanted and nobody:
        raise typer.BadParameter("goes with no --set", param_hint="--nobody")
    if wanted or nobody:
        permissions = as_defaults(_pair(each) for each in wanted or ())
        person = actor(by, position)
        known = write(database, lambda session: access_settings.set_defaults(session, school, permissions, person))
    else:
        known = read(database, lambda session: access_settings.read(session, school))
    if as_json:
        print_json(**_settings_json(known))
        return
    output.print_defaults(known.defaults)
    note(f"Version {known.defaults_version}, which links take that are first synced from now on.")


@app.command("apply-defaults")
def apply_defaults(
    school: SchoolOption,
    yes: YesOption = False,
    listed: ListedOption = DEFAULT_LISTED,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give today's default permissions to all links that are here already."""
    person = actor(by, position)
    if yes:
        done = write(database, lambda session: access_settings.apply_defaults(session, school, person, listed=listed))
    else:
        done = read(database, lambda session: access_settings.preview_defaults(session, school, listed=listed))
    if as_json:
        print_json(applied=done)
        return
    output.print_preview(done.preview)
    print(f"{done.links} links {'take' if done.done else 'would take'} version {done.version} of the defaults.")
    _say_dry(yes)


# Parts ------------------------------------------------------------------------------------------------------------


def _change(
    school: str, wanted: Wanted, who: Any, database: str | None, *, yes: bool, listed: int, as_json: bool
) -> None:
    """Show what a change of settings does; do it when that is said."""

    async def look(session: ReadSession) -> Preview:
        return await access_settings.preview(session, school, listed=listed, **wanted)

    async def state(session: ReadSession) -> tuple[SchoolAccess, tuple[Capability, ...]]:
        return await access_settings.read(session, school), await of_school(session, school)

    async def work(session: WriteSession) -> tuple[Preview, SchoolAccess, tuple[Capability, ...]]:
        seen = await look(session)
        await access_settings.change(session, school, **who, **wanted)
        return seen, *await state(session)

    async def preview(session: ReadSession) -> tuple[Preview, SchoolAccess, tuple[Capability, ...]]:
        return await look(session), *await state(session)

    seen, known, capabilities = write(database, work) if yes else read(database, preview)
    if as_json:
        print_json(done=yes, preview=seen, **_settings_json(known))
        return
    output.print_preview(seen)
    if not yes and wanted.get("source") == SYNC != known.settings.source:
        output.print_doubts(capabilities)
    if yes:
        print(f"The source is {known.settings.source}.")
    _say_dry(yes)


def _say_dry(yes: bool) -> None:
    if not yes:
        note(output.DRY_RUN)


def _school_of(link: str) -> str:
    school = school_of(link)
    if school is None:
        raise unknown_link()
    return school


def _pair(text: str) -> tuple[str, str]:
    relationship, sign, permission = text.rpartition("=")
    if not sign or permission.strip().upper() not in PERMISSIONS:
        raise typer.BadParameter("is no RELATIONSHIP=VIEW_AND_UPDATE or =NO_PERMISSION", param_hint="--set")
    return relationship, permission.strip().upper()


def _print_override(verb: str, override: Override, *, as_json: bool) -> None:
    if as_json:
        print_json(override=override)
    else:
        print(f"{verb}: {override.value} on {override.link_id}.")


def _settings_json(known: SchoolAccess) -> dict[str, object]:
    settings: AccessSettings = known.settings
    return {"settings": settings, "defaultsVersion": known.defaults_version, "defaults": known.defaults}


def _capability_json(each: Capability) -> dict[str, object]:
    return {"attribute": each.attribute.upper(), "state": each.state, "source": each.source, "asOf": each.as_of}
