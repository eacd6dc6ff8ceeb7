"""The log holds what it may and nothing that came with a request, whoever writes to it."""

import io
import json
import logging

import pytest

from server.logs import LineFormatter, open_log, told

SECRET = "fg_secret"


def fail() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise LookupError(SECRET) from error


def failing() -> LookupError:
    with pytest.raises(LookupError) as raised:
        fail()
    return raised.value


def test_members_that_are_not_named_are_dropped_and_long_ones_cut() -> None:
    stream = io.BytesIO()
    log = open_log(stream)
    log.info("request", status=200, token=SECRET, variables={"a": SECRET}, operation="x" * 1000)
    line = json.loads(stream.getvalue())
    assert set(line) == {"time", "level", "event", "status", "operation"}
    assert len(line["operation"]) == 300
    assert SECRET not in stream.getvalue().decode()


def test_of_an_exception_the_kinds_and_the_places_are_told() -> None:
    said = told(failing())
    assert said["error"] == "LookupError from ValueError"
    assert said["where"][-1].startswith("tests/server/test_logs.py:")
    assert SECRET not in json.dumps(said)


@pytest.mark.parametrize("name", ["asyncio", "asyncpg", "uvicorn.error"])
def test_a_line_of_a_library_holds_no_message_that_could_quote_a_value(name: str) -> None:
    error = failing()
    given = (type(error), error, error.__traceback__)
    record = logging.LogRecord(name, logging.ERROR, "x.py", 1, "went wrong: %s", (SECRET,), given)
    line = json.loads(LineFormatter().format(record))
    assert line["event"] == ("went wrong: %s" if name == "uvicorn.error" else "library")
    assert (line["logger"], line["level"], line["error"]) == (name, "error", "LookupError from ValueError")
    assert SECRET not in json.dumps(line)


def test_an_exception_as_the_message_is_told_the_same_way() -> None:
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "x.py", 1, failing(), (), None)
    line = json.loads(LineFormatter().format(record))
    assert line["error"] == "LookupError from ValueError"
    assert SECRET not in json.dumps(line)
