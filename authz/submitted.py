"""What contacts write: text of bounded length that both databases store alike, in any script.

Refused are NUL, other control characters and halves of surrogate pairs; ends are trimmed, blank is none.
"""

import unicodedata

from schema.errors import FieldgateError

MAX_LINE = 200
MAX_TEXT = 2000


def checked_line(text: str | None, what: str, most: int = MAX_LINE) -> str | None:
    """Text in one line; inner white space collapses."""
    return checked_text(" ".join((text or "").split()), what, most)


def checked_text(text: str | None, what: str, most: int = MAX_TEXT) -> str | None:
    """Text that may have lines."""
    lines = unicodedata.normalize("NFC", (text or "").strip()).splitlines()
    kept = "\n".join(line.replace("\t", " ").rstrip() for line in lines)
    if len(kept) > most:
        raise FieldgateError("TEXT_INVALID", f"{what} has more than {most} characters.")
    # Format characters stay: Persian, Arabic and many other scripts are not written without them.
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in kept if character != "\n"):
        raise FieldgateError("TEXT_INVALID", f"{what} holds a character that cannot be stored.")
    return kept or None
