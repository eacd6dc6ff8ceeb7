"""The options that commands of `fieldgate access` share."""

from collections.abc import Callable, Collection
from typing import Annotated

import typer

from schema.vocabulary import LADDER_ATTRIBUTES, PERMISSIONS, SOURCES

DEFAULT_LISTED = 50


def one_of(words: Collection[str]) -> Callable[[str], str]:
    """Reads one of these words, in any case."""

    def word(text: str) -> str:
        if text.upper() not in words:
            raise typer.BadParameter(f"is none of {', '.join(words)}")
        return text.upper()

    return word


PERMISSION, SOURCE = one_of(PERMISSIONS), one_of(SOURCES)
ATTRIBUTE = one_of([name.upper() for name in LADDER_ATTRIBUTES])

SchoolOption = Annotated[str, typer.Option("--school", metavar="ID", help="The school's id.")]
LinkArgument = Annotated[str, typer.Argument(metavar="LINK_ID", help="The link between a student and a contact.")]
NoteOption = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it; without this it is only shown.")]
ListedOption = Annotated[int, typer.Option("--first", metavar="N", min=1, max=10_000, help="How many links to name.")]
AcknowledgeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--acknowledge", metavar="ATTRIBUTE", parser=ATTRIBUTE, help="An attribute that the MIS may not supply."
    ),
]
CourtOrderOption = Annotated[
    bool | None,
    typer.Option(
        "--court-order-always-denies/--no-court-order-always-denies",
        help="Court orders and restrictions come first with Relationship Type too.",
    ),
]
ConfirmOption = Annotated[
    bool | None,
    typer.Option(
        "--confirm-masked-overrides/--no-confirm-masked-overrides",
        help="A View and Update override that came out from under something stronger waits to be confirmed.",
    ),
]
LeaversOption = Annotated[
    bool | None,
    typer.Option("--access-for-leavers/--no-access-for-leavers", help="Access to students who have left."),
]
ApplicantsOption = Annotated[
    bool | None,
    typer.Option("--access-for-applicants/--no-access-for-applicants", help="Access to students yet to begin."),
]
AssumedOption = Annotated[
    bool | None,
    typer.Option(
        "--accept-assumed-priorities/--no-accept-assumed-priorities",
        help="Priorities that were filled in for the MIS give access.",
    ),
]
