"""What a command prints: JSON for programs, tables and sentences for people, and refusals for both.

JSON goes to stdout with names as the API writes them (camelCase). Tables are Rich's, imported only when one is shown.
"""

import json
import sys
from collections.abc import Iterable, Sequence

from schema.errors import FieldgateError
from schema.names import public

PIPE_WIDTH = 160


def print_json(**members: object) -> None:
    """One JSON object."""
    print(json.dumps(public(members), indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for people; as wide as their terminal, or wide enough for a pipe."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(plain(value) for value in row))
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, emoji=False, width=PIPE_WIDTH)
    console.print(table)


def plain(value: object) -> str:
    """A value as text that cannot move a terminal's cursor, whoever wrote it."""
    text = "" if value is None else str(value)
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def note(sentence: str) -> None:
    """A sentence for the person at the terminal, beside what stdout is for."""
    print(plain(sentence), file=sys.stderr)


def print_refusal(refusal: FieldgateError, *, as_json: bool) -> None:
    """One sentence and the next step; with `--json` also as JSON on stdout."""
    if as_json:
        details = {"code": refusal.code, "message": refusal.message, "nextStep": refusal.next_step, **refusal.details}
        print_json(error=details)
    note(refusal.message)
    note(refusal.next_step)
