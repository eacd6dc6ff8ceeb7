"""Event: an entry of the school's calendar."""

from schema.fields import ORDINARY, Entity, Field, Kind

EVENT = Entity(
    name="Event",
    table="school_event",
    prefix="evt",
    plural="events",
    description="An entry of the school's calendar.",
    sensitivity=ORDINARY,
    scope_prefix="events",
    object_scopes=("events.read",),
    fields=(
        Field("description", Kind.TEXT, "What takes place.", ORDINARY),
        Field("startDate", Kind.INSTANT, "When it starts, in UTC.", ORDINARY),
        Field("endDate", Kind.INSTANT, "When it ends, in UTC.", ORDINARY),
    ),
)
