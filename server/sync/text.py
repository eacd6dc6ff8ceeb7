"""Text that both databases can hold: no NUL, no half of a surrogate pair."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without the characters that no database can hold."""
    return _UNSTORABLE.sub("", text) if _UNSTORABLE.search(text) else text
