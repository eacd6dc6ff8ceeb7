"""Values that are read whole, shaped as a selection asks for them: `viewer`, people's roots, capabilities."""

from typing import Any

from authz.selection import Selected


def shaped(selected: Selected, value: Any) -> Any:
    """A stored value as the selection asks for it. Only types without arguments or rules of their own stand here."""
    if isinstance(value, list):
        return [shaped(selected, each) for each in value]
    if not selected.children or value is None:
        return value
    return {
        child.key: child.type_name if child.name == "__typename" else shaped(child, value[child.name])
        for child in selected.below
    }
