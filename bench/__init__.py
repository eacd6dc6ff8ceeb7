"""How much server CPU a request costs: fieldgate beside two other servers on the same database and data.

Run it with `make bench`; docs/performance.md has the figures and what they mean.
"""


class CannotMeasure(Exception):
    """Something that the bench needs is missing; the message is for the person who runs it."""
