"""How names are written: `snake_case` in Python and SQL, `camelCase` in the API and in JSON."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def camel(name: str) -> str:
    """`expires_at` → `expiresAt`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def public(value: object) -> Any:
    """A value as JSON has it; the fields of dataclasses by their public names."""
    if is_dataclass(value) and not isinstance(value, type):
        return {camel(field.name): public(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: public(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [public(inner) for inner in value]
    return value
