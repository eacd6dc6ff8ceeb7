"""`fieldgate scopes` and `fieldgate schema`: what can be granted, and the API it opens. No database is asked."""

from server.cli.database import JsonOption
from server.cli.output import print_json, print_table


def scopes(as_json: JsonOption = False) -> None:
    """List every scope that a school can grant, and the fields it opens."""
    from schema.registry import REGISTRY

    if as_json:
        print_json(
            scopes=[
                {
                    "scope": info.name,
                    "sensitivity": info.sensitivity.value,
                    "description": info.description,
                    "needs": REGISTRY.implied_objects(info.name),
                    "coordinates": info.coordinates,
                }
                for info in REGISTRY.scopes.values()
            ]
        )
        return
    rows = [(info.name, info.sensitivity.value, info.description) for info in REGISTRY.scopes.values()]
    print_table(("scope", "sensitivity", "what it opens"), rows)


def schema(as_json: JsonOption = False) -> None:
    """Print the API's schema with the scopes of every field (GraphQL SDL)."""
    from schema.api import sdl

    if as_json:
        print_json(sdl=sdl())
    else:
        print(sdl(), end="")
