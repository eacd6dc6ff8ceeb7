"""What contacts write: text of bounded length that both databases store alike, in any script.

Refused are NUL, other control characters, halves of surrogate pairs and towers of marks; ends are trimmed, blank is
none. What it costs grows with the text's length and no faster.
"""

import unicodedata

from schema.errors import FieldgateError

MAX_LINE = 200
MAX_TEXT = 2000
MOST_MARKS = 30
"""Combining marks on one character: no script has more, and to compose them takes the square of their number."""


def checked_line(text: str | None, what: str, most: int = MAX_LINE) -> str | None:
    """Text in one line; inner white space collapses."""
    _refuse_long(text, what, most)
    return checked_text(" ".join((text or "").split()), what, most)


def checked_text(text: str | None, what: str, most: int = MAX_TEXT) -> str | None:
    """Text that may have lines."""
    # INVARIANT: nothing is done with a text before its length is known to be bounded.
    _refuse_long(text, what, most)
    _refuse_towers(text or "", what)
    lines = unicodedata.normalize("NFC", (text or "").strip()).splitlines()
    kept = "\n".join(line.replace("\t", " ").rstrip() for line in lines)
    if len(kept) > most:
        raise FieldgateError("TEXT_INVALID", f"{what} has more than {most} characters.")
    # Format characters stay: Persian, Arabic and many other scripts are not written without them.
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in kept if character != "\n"):
        raise FieldgateError("TEXT_INVALID", f"{what} holds a character that cannot be stored.")
    return kept or None


def _refuse_long(text: str | None, what: str, most: int) -> None:
    """Refuse what cannot come down to so many characters by being composed; blanks at the ends count."""
    if text is not None and len(text) > 4 * most:
        raise FieldgateError("TEXT_INVALID", f"{what} has more than {most} characters.")


def _refuse_towers(text: str, what: str) -> None:
    marks = 0
    for character in "" if text.isascii() else text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MOST_MARKS:
            raise FieldgateError("TEXT_INVALID", f"{what} has more than {MOST_MARKS} marks on one character.")
