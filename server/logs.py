"""What is written to the log: one JSON object a line, with only the members named here.

Never a token, a variable, a value or an exception's message, which may quote one: of an exception the log has its kind
and the places in the code that it passed.
"""

import logging
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

ALLOWED = frozenset(
    {"time", "level", "event", "logger", "method", "path", "status", "ms", "request_id", "operation", "code", "error"}
    | {"where", "pid"}
)
MOST_CHARACTERS = 300
MOST_PLACES = 12
_ROOT = Path(__file__).parent.parent
_OURS = ("uvicorn", "uvicorn.error")

Log = FilteringBoundLogger


def open_log(stream: BinaryIO | None = None) -> Log:
    """A log that writes lines to the stream; to the standard error where none is given."""
    log: Log = structlog.wrap_logger(
        structlog.BytesLogger(stream or sys.stderr.buffer),
        processors=[structlog.processors.add_log_level, _stamp, keep_allowed, _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    return log


def keep_allowed(_logger: WrappedLogger | None, _method: str, event: EventDict) -> EventDict:
    """Drops every member that is not named above, so that nothing is logged by accident; cuts long texts."""
    return {
        name: value[:MOST_CHARACTERS] if isinstance(value, str) else value
        for name, value in event.items()
        if name in ALLOWED
    }


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["time"] = _now(time.time())
    return event


def _now(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    return orjson.dumps(event)


def told(error: BaseException) -> dict[str, Any]:
    """What the log may have of an exception: the kinds in its chain, and where the code was."""
    chain = list(_chain(error))
    frames = traceback.extract_tb(chain[-1].__traceback__)[-MOST_PLACES:]
    return {
        "error": " from ".join(type(each).__name__ for each in chain),
        "where": [f"{_shown(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    next_one: BaseException | None = error
    while next_one is not None and id(next_one) not in seen:
        seen.add(id(next_one))
        yield next_one
        next_one = next_one.__cause__ or (None if next_one.__suppress_context__ else next_one.__context__)


def _shown(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else "/".join(path.parts[-2:])


class LineFormatter(logging.Formatter):
    """The same lines for what libraries log through the standard library.

    Only uvicorn's own words are kept, and not what they are filled with; of the rest, who logged and the exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        says = isinstance(record.msg, str) and record.name in _OURS
        line: dict[str, Any] = {
            "level": record.levelname.lower(),
            "event": record.msg.strip() if says else "library",
            "logger": record.name,
            "time": _now(record.created),
        }
        if record.exc_info and record.exc_info[1]:
            line |= told(record.exc_info[1])
        elif isinstance(record.msg, BaseException):
            line |= told(record.msg)
        return orjson.dumps(keep_allowed(None, "", line)).decode()


LIBRARY_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": LineFormatter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"uvicorn": {"level": "WARNING"}},
}
"""For `logging.config.dictConfig`, as uvicorn takes it."""
