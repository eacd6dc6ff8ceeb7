"""Answers what a school's staff ask and do."""

from collections.abc import Mapping

from resolvers.people.calls import Handler

HANDLERS: Mapping[str, Handler] = {}
