"""The queue of schools whose contacts' sign-ins must be looked at again. Every commit that can change an answer asks.

What can take access away asks through `accounts.settle`. The request stands in the transaction of the change, so that
neither is ever without the other. It is the last thing that a transaction writes, after its audit events, which come
after the rows: writers of another order deadlock.
"""

from authz.session import WriteSession


async def request(session: WriteSession, school_id: str) -> None:
    """Ask for the school's sign-ins to be allocated again, once this transaction has committed."""
    await session.execute(
        f"INSERT INTO contact_allocation (school_id, request, requested_at) VALUES (?, 1, {session.dialect.now}) "
        "ON CONFLICT (school_id) DO UPDATE SET request = contact_allocation.request + 1, "
        "requested_at = excluded.requested_at",
        school_id,
    )
