"""`fieldgate grant`, `revoke` and `grants`: what a school lets an app read. Changes hold from the next request on."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from authz import apps, consent, overview, schools
from authz.consent import NEVER, Outcome
from authz.overview import ConsentView
from authz.session import ReadSession, WriteSession
from server.cli.database import ByOption, DatabaseOption, JsonOption, PositionOption, actor, read, write
from server.cli.output import print_json, print_table

SchoolOption = Annotated[str, typer.Option("--school", metavar="ID", help="The school's id.")]
AppOption = Annotated[str, typer.Option("--app", metavar="APP", help="The app's slug or id.")]


def grant(
    school: SchoolOption,
    app: AppOption,
    products: Annotated[
        list[str] | None,
        typer.Option("--product", help="A product that the school has; by default those it had, or all."),
    ] = None,
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="A scope; by default every scope that the products require.")
    ] = None,
    expires_at: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT", help="When the named scopes end, or else the whole consent: ISO 8601, or never."
        ),
    ] = None,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an app read fields of a school."""
    end = _moment(expires_at)

    async def work(session: WriteSession) -> Outcome:
        app_id = (await apps.find(session, app)).id
        return await consent.grant(
            session, school, app_id, by=actor(by, position), scopes=scopes, products=products, expires_at=end
        )

    _print_outcome("granted", school, app, write(database, work), as_json=as_json)


def revoke(
    school: SchoolOption,
    app: AppOption,
    scopes: Annotated[list[str] | None, typer.Option("--scope", help="A scope; by default the whole consent.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; the app is shown it.")] = None,
    by: ByOption = None,
    position: PositionOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take scopes back from an app, or end its consent."""

    async def work(session: WriteSession) -> Outcome:
        app_id = (await apps.find(session, app)).id
        return await consent.revoke(session, school, app_id, by=actor(by, position), scopes=scopes, reason=reason)

    _print_outcome("revoked", school, app, write(database, work), as_json=as_json)


def grants(
    school: Annotated[str | None, typer.Option("--school", metavar="ID", help="Only this school.")] = None,
    app: Annotated[str | None, typer.Option("--app", metavar="APP", help="Only this app.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List consents: their state, scopes in force, and required scopes that are missing."""

    async def work(session: ReadSession) -> list[ConsentView]:
        school_id = (await schools.find(session, school)).id if school is not None else None
        app_id = (await apps.find(session, app)).id if app is not None else None
        return await overview.consents(session, school_id=school_id, app_id=app_id)

    found = read(database, work)
    if as_json:
        print_json(consents=found)
    else:
        columns = ("school", "name", "app", "state", "epoch", "scopes", "missing", "expires")
        print_table(columns, [_row(view) for view in found])


def _row(view: ConsentView) -> tuple[object, ...]:
    state = "expired" if view.state == "approved" and not view.in_force else view.state
    return (
        view.school_id,
        view.school_name,
        view.app,
        f"{state}, to review" if view.to_review else state,
        view.epoch,
        len(view.scopes),
        ", ".join(view.missing) if view.in_force else "",
        view.expires_at,
    )


def _print_outcome(verb: str, school: str, app: str, outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        fields = {
            "id": outcome.consent_id,
            "schoolId": school,
            "app": app,
            "state": outcome.state,
            "epoch": outcome.epoch,
        }
        print_json(**{"consent": fields, verb: outcome.scopes})
        return
    for scope in outcome.scopes:
        print(scope)
    count = f"{len(outcome.scopes)} scope{'' if len(outcome.scopes) == 1 else 's'}"
    print(f"{count} {verb}. The consent is {outcome.state}, at epoch {outcome.epoch}.")


def _moment(text: str | None) -> datetime | Literal["never"] | None:
    if text is None:
        return None
    if text == NEVER:
        return NEVER
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            "is no ISO 8601 moment, such as 2031-07-31T22:00Z", param_hint="--expires-at"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
