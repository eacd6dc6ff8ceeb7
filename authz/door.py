"""What one process remembers of attempts to sign in: how many there were lately, and which failed.

In memory only, so that a failed attempt costs no write. Failures reach the audit trail as one summary an hour and
account.
"""

import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from authz import audit
from authz.accounts import Account
from authz.audit import Actor
from authz.chosen_secrets import SecretHashes
from authz.session import Sessions
from schema.errors import FieldgateError

PER_USERNAME = ((60.0, 5), (3600.0, 20))
"""Seconds of each window, and the attempts on one username that it takes."""
PER_ADDRESS = 60
SUMMARY_SECONDS = 3600.0
MOST_NAMES = 65_536
"""Usernames whose attempts are counted; one more drops the one tried longest ago. Each attempt has its own cost."""


Window = tuple[float, int]
"""When it ends, and the attempts in it."""


@dataclass(slots=True)
class Failures:
    """Failed attempts on one account since the first that no summary tells of."""

    account: Account
    since: str
    begun: float
    count: int = 0


class Names:
    """Counts attempts on usernames in windows that begin with the first attempt, for a bounded number of names."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self.counted: OrderedDict[bytes, tuple[Window, ...]] = OrderedDict()

    def attempt(self, username: str) -> bool:
        """Count an attempt; false where there are too many."""
        name, now = self._digest(username), self._clock()
        windows = list(self.counted.pop(name, ((0.0, 0),) * len(PER_USERNAME)))
        refused = False
        for place, (seconds, most) in enumerate(PER_USERNAME):
            end, count = windows[place]
            windows[place] = (end, count + 1) if end > now else (now + seconds, 1)
            if refused := windows[place][1] > most:
                break  # what the short window refuses does not use up the long one
        self.counted[name] = tuple(windows)
        self._drop(now)
        return not refused

    def take_back(self, username: str) -> None:
        """Count one attempt less."""
        name = self._digest(username)
        left = tuple((end, count - 1) for end, count in self.counted.get(name, ()))
        if any(count > 0 for _, count in left):
            self.counted[name] = left
        else:
            self.counted.pop(name, None)

    def forget(self, username: str) -> None:
        """Count none."""
        self.counted.pop(self._digest(username), None)

    def _drop(self, now: float) -> None:
        """Drop the names tried longest ago whose windows are over, or that are too many."""
        while len(self.counted) > 1:
            name = next(iter(self.counted))
            if len(self.counted) <= MOST_NAMES and any(end > now for end, _ in self.counted[name]):
                return
            del self.counted[name]

    def _digest(self, username: str) -> bytes:
        # Under a key, so that nobody works out which names share one; whole, so that none do.
        return hashlib.blake2b(username.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()


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
        self._names = Names(lambda: self._clock())

    def attempt(self, username: str, address: str | None) -> None:
        """Count an attempt; refuse it where there were too many, whether or not anybody has the name."""
        where = [(item, "address", place(address)) for item in self._per_address if address is not None]
        if not all(self._limiter.hit(*counted) for counted in where) or not self._names.attempt(username):
            raise FieldgateError("TOO_MANY_ATTEMPTS", "There were too many attempts to sign in.")

    def succeeded(self, username: str) -> None:
        """Forget the name's attempts."""
        self._names.forget(username)

    def turned_away(self, username: str) -> None:
        """Take back an attempt of which nobody looked at the secret: others must not use up a person's own."""
        self._names.take_back(username)

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
