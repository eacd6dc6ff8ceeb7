"""How names are written: `snake_case` in Python and SQL, `camelCase` in the API and in JSON."""

import re


def camel(name: str) -> str:
    """`expires_at` → `expiresAt`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
