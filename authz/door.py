"""What one process remembers of attempts to sign in: how many there were lately, and which failed.

In memory only, so that a failed attempt costs no write. Failures reach the audit trail as one summary an hour and
account.
"""

import hashlib
import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from authz import audit
from authz.accounts import Account, Sessions
from authz.audit import Actor
from authz.chosen_secrets import SecretHashes
from schema.errors import FieldgateError

PER_USERNAME = (RateLimitItemPerMinute(5), RateLimitItemPerHour(20))
PER_ADDRESS = 60
SUMMARY_SECONDS = 3600.0
BUCKETS = 16
"""Bits of a username's digest that attempts are counted under: names that nobody has must not fill the memory."""


@dataclass(slots=True)
class Failures:
    """Failed attempts on one account since the first that no summary tells of."""

    account: Account
    since: str
    begun: float
    count: int = 0


class Door:
    """Attempts are counted before they are looked at, so that many at once count as many; success forgets a name's.

    `per_address`: attempts a minute from one address; 0 for no bound, where all callers come by way of a proxy.
    """

    def __init__(self, per_address: int = PER_ADDRESS, clock: Callable[[], float] = time.monotonic) -> None:
        self.hashes = SecretHashes()
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._per_address: tuple[RateLimitItem, ...] = (RateLimitItemPerMinute(per_address),) if per_address > 0 else ()
        self._clock = clock
        self._failures: dict[str, Failures] = {}

    def attempt(self, username: str, address: str | None) -> None:
        """Count an attempt; refuse it where there were too many, whether or not anybody has the name."""
        where = [(item, "address", place(address)) for item in self._per_address if address is not None]
        whose = [(item, "username", _bucket(username)) for item in PER_USERNAME]
        if not all(self._limiter.hit(*counted) for counted in (*where, *whose)):
            raise FieldgateError("TOO_MANY_ATTEMPTS", "There were too many attempts to sign in.")

    def succeeded(self, username: str) -> None:
        """Forget the name's attempts."""
        for item in PER_USERNAME:
            self._limiter.clear(item, "username", _bucket(username))

    def failed(self, account: Account, now: str) -> None:
        """Remember a failure on an account. `now`: the database's moment."""
        kept = self._failures.setdefault(account.id, Failures(account, now, self._clock()))
        kept.count += 1

    async def summarise(self, sessions: Sessions, *, everything: bool = False) -> int:
        """Write the summaries that are due; all of them when the process ends. How many were written."""
        latest = self._clock() - (0.0 if everything else SUMMARY_SECONDS)
        due = [kept for kept in self._failures.values() if kept.begun <= latest]
        for kept in due:
            del self._failures[kept.account.id]
            try:
                await _record(sessions, kept)
            except BaseException:
                self._failures.setdefault(kept.account.id, kept)
                raise
        return len(due)

    def close(self) -> None:
        """Let go of what is held."""
        self.hashes.close()


async def _record(sessions: Sessions, kept: Failures) -> None:
    account = kept.account
    details = {"contact": account.contact_id, "account": account.id, "failures": kept.count, "since": kept.since}
    async with sessions.write() as session:
        await audit.record(
            session, "sign_ins_failed", chain=account.school_id, by=Actor("somebody"), details=details
        )  # fmt: skip


def place(address: str) -> str:
    """An address as attempts are counted under it: of IPv6 the network, since one caller has all of its addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))


def _bucket(username: str) -> str:
    digest = hashlib.sha256(username.encode("utf-8", "surrogatepass")).digest()
    return format(int.from_bytes(digest[:4], "big") >> (32 - BUCKETS), "x")
