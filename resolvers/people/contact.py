"""Answers what contacts ask and do."""

from collections.abc import Mapping
from typing import Any

from resolvers.people.calls import Call, Handler
from schema.errors import FieldgateError


async def me(call: Call) -> Any:
    """`Query.me`."""
    raise FieldgateError("UNAUTHENTICATED", "This needs a contact's session that is valid now.")


async def sign_out(call: Call) -> bool:
    """`Mutation.signOut`."""
    return True


HANDLERS: Mapping[str, Handler] = {"me": me, "signOut": sign_out}
