"""uvicorn's HTTP protocol with bounds on a request's head, which neither it nor its parser has.

A head that grows too long is refused with 431; one that does not arrive in time loses its connection, so that sockets
which send a byte a minute hold nothing for long.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 65_536
HEAD_SECONDS = 20.0
LINGER_SECONDS = 1.0
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 37\r\nconnection: close\r\n\r\nThe head of the request is too long.\n"
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Counts the bytes that have neither completed a head nor been part of a body."""

    head_bytes = 0
    refused = False
    late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.late = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        self.head_bytes += len(data)
        super().data_received(data)
        if self.head_bytes and not self.transport.is_closing():
            if self.head_bytes > MOST_HEAD_BYTES:
                self._refuse()
            elif self.late is None:
                self.late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _refuse(self) -> None:
        """Answer, and go on reading for a moment: a connection closed on unread bytes takes the answer with it."""
        self._went_on()
        self.refused = True
        self.transport.write(_TOO_LONG)
        self.late = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._went_on()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        self._went_on()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._went_on()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._went_on()
        super().on_message_complete()

    def _went_on(self) -> None:
        self.head_bytes = 0
        if self.late is not None:
            self.late.cancel()
            self.late = None
