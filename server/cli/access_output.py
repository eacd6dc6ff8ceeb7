"""How `fieldgate access` prints for people: explanations, warnings, settings, and who gains and who loses access."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from authz.access_previews import LinkChange, LinkView, Preview
from authz.access_settings import SchoolAccess
from authz.access_views import Explanation, WarningsPage
from authz.capabilities import Capability, doubtful
from authz.contact_access import AccessSettings
from authz.overrides import Override
from schema.vocabulary import ACCESS_WARNINGS
from server.cli.output import note, plain, print_table

DRY_RUN = "Nothing was changed: this is what it would do. Say --yes to do it."


def print_explanation(found: Explanation, history: list[Override]) -> None:
    """The answer in one line, then every rung, the overrides, and what to know about it."""
    print(plain(f"{_named(found.link)}: {found.answer.permission}, because of {found.answer.reason}"))
    print(
        f"Source {found.settings.source}; defaults of version {found.defaults_version}, today's {found.todays_version}."
    )
    rows = []
    for rung in found.rungs:
        state = "decides" if rung.decided else "holds" if rung.holds else ""
        looked_at = ", ".join(f"{fact.name.lower()}={fact.value or 'blank'}" for fact in rung.facts)
        rows.append((rung.reason, state, rung.permission, looked_at))
    print_table(("rung", "", "answer", "facts"), rows)
    if found.override is not None and found.override.masked_by is not None:
        print(f"The override in force is masked by {found.override.masked_by}.")
    if history:
        print_overrides(history)
    for flag in found.flags:
        print(f"{flag.code}: {flag.text}")


def print_overrides(overrides: Iterable[Override]) -> None:
    """Overrides, the newest last."""
    print_table(
        ("override", "set by", "position", "set", "confirmed", "cleared", "note"),
        [
            (one.value, one.set_by, one.set_by_position, one.set_at, one.confirmed_at, one.cleared_at, one.note)
            for one in overrides
        ],
    )


def print_warnings(page: WarningsPage) -> None:
    """A page of warnings, then how many there are in all."""
    print_table(
        ("link", "student", "contact", "relationship", "answer", "warning"),
        [
            (each.link.id, each.link.student_name, each.link.contact_name, each.link.relationship,
             each.answer.permission, each.code)
            for each in page.warnings
        ],
    )  # fmt: skip
    for code, count in page.counts.items():
        if count:
            note(f"{count} × {code}: {ACCESS_WARNINGS[code]}")
    if not any(page.counts.values()):
        note("No link of the school has a warning.")
    if page.more:
        note(f"There are more: --after {page.end}")


def print_settings(known: SchoolAccess, capabilities: Iterable[Capability]) -> None:
    """A school's source, settings and defaults, and what its MIS supplies."""
    print_table(("setting", "value"), [*setting_rows(known.settings), ("defaults_version", known.defaults_version)])
    print_defaults(known.defaults)
    print_capabilities(capabilities)


def setting_rows(settings: AccessSettings) -> list[tuple[str, object]]:
    """Each setting and its value, as people write it."""
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    return [(name, {True: "yes", False: "no"}.get(value, value)) for name, value in values.items()]


def print_defaults(defaults: Mapping[str, str]) -> None:
    """The permission of each relationship."""
    print_table(("relationship", "default permission"), [*defaults.items(), ("any other", "NO_PERMISSION")])


def print_capabilities(capabilities: Iterable[Capability]) -> None:
    """What the MIS supplies of the attributes that Sync decides by."""
    rows = [(one.attribute.upper(), one.state, one.as_of, one.source) for one in capabilities]
    print_table(("attribute", "of this MIS", "as of", "known from"), rows)


def print_doubts(capabilities: Iterable[Capability]) -> None:
    """What a switch to Sync would have to acknowledge."""
    if doubts := doubtful(capabilities):
        print_capabilities(doubts)
        options = " ".join(f"--acknowledge {each.attribute.upper()}" for each in doubts)
        note(f"Sync would decide by what this MIS may not supply. To do it all the same: {options}")


def print_preview(preview: Preview) -> None:
    """Who gains and who loses access: counts by reason, then the first links."""
    for verb, side in (("gain", preview.gains), ("lose", preview.loses)):
        print(f"One link {verb}s access." if side.count == 1 else f"{side.count} links {verb} access.")
        for reason in side.by_reason:
            print(f"  {reason.count} × {reason.before} → {reason.after}")
        print_changes(side.links)
        if side.count > len(side.links):
            print(f"  … and {side.count - len(side.links)} more")


def print_changes(links: Iterable[LinkChange]) -> None:
    """Links with their answers before and after."""
    rows = [
        (each.link.id, each.link.student_name, each.link.contact_name, each.link.relationship,
         f"{each.before.permission} ({each.before.reason})", f"{each.after.permission} ({each.after.reason})")
        for each in links
    ]  # fmt: skip
    if rows:
        print_table(("link", "student", "contact", "relationship", "before", "after"), rows)


def _named(link: LinkView) -> str:
    return (
        f"{link.contact_name or 'A contact'} ({link.relationship or 'no relationship'}) of {link.student_name or '…'}"
    )
