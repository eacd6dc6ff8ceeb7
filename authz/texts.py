"""What people write by hand: names, positions, notes. Trimmed, bounded, and of characters that can be shown.

Both databases then store the same, and no text moves a terminal's cursor or breaks a page.
"""

from schema.errors import FieldgateError

MAX_NAME = 200
MAX_NOTE = 1000
MAX_SEARCH = 1000


def checked_name(text: str, what: str) -> str:
    """A name that must be there, in one line."""
    return _checked(text, what, MAX_NAME) or _refused(f"{what} is empty.")


def checked_position(text: str | None, what: str = "The position") -> str | None:
    """A position; blank is none."""
    return _checked(text or "", what, MAX_NAME) or None


def checked_note(text: str | None) -> str | None:
    """A note, which may have lines; blank is none."""
    if len(text or "") > MAX_NOTE:
        _refused(f"The note has more than {MAX_NOTE} characters.")
    lines = (text or "").strip().splitlines()
    return "\n".join(_checked(line, "The note", MAX_NOTE) for line in lines) or None


def checked_search(text: str, what: str) -> str:
    """A text to look for: what no database can store is nowhere to be found, and PostgreSQL would not even take it."""
    if len(text) > MAX_SEARCH:
        _refused(f"{what} has more than {MAX_SEARCH} characters.")
    if "\x00" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)):
        _refused(f"{what} holds a character that cannot be printed.")
    return text


def _checked(text: str, what: str, limit: int) -> str:
    trimmed = text.strip()
    if len(trimmed) > limit:
        _refused(f"{what} has more than {limit} characters.")
    if not trimmed.isprintable():
        _refused(f"{what} holds a character that cannot be printed.")
    return trimmed


def _refused(sentence: str) -> str:
    raise FieldgateError("TEXT_INVALID", sentence)
