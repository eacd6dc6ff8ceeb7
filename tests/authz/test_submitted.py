"""Text of contacts is bounded before anything is made of it, and costs no more than its length."""

import time
from collections.abc import Callable

import pytest

from authz import forms
from authz.submitted import checked_line, checked_text
from authz.texts import checked_note, checked_search
from schema.errors import FieldgateError

TOWER = "a" + "\N{COMBINING ACUTE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}" * 3990
LONG = "a" + "\N{COMBINING ACUTE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}" * 40_000


def refusal(work: Callable[[], object]) -> tuple[str, float]:
    """The code of the refusal, and the seconds until it came."""
    started = time.perf_counter()
    with pytest.raises(FieldgateError) as refused:
        work()
    return refused.value.code, time.perf_counter() - started


@pytest.mark.parametrize("text", [TOWER, LONG, "x" * 8001, " " * 8001, "\n" * 900_000], ids=range(5))
def test_long_text_and_towers_of_marks_are_refused_before_they_are_composed(text: str) -> None:
    for check in (checked_text, checked_line):
        code, seconds = refusal(lambda check=check: check(text, "The value"))  # type: ignore[misc]
        assert (code, seconds < 0.02) == ("TEXT_INVALID", True)


def test_a_form_of_towers_is_refused_as_fast_as_its_length_allows() -> None:
    answers: list[dict[str, str | None]] = [{"question": "Q", "answer": TOWER}] * 25
    assert refusal(lambda: forms.checked("F", answers)) < ("TEXT_INVALID", 0.1)
    many: list[dict[str, str | None]] = [{"question": "Q", "answer": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 8000}] * 99
    assert refusal(lambda: forms.checked("F", many)) < ("FORM_INVALID", 0.02)


def test_texts_of_staff_are_bounded_before_they_are_walked() -> None:
    for check in (checked_note, lambda text: checked_search(text, "The relationship")):
        code, seconds = refusal(lambda check=check: check("\N{LATIN SMALL LETTER E WITH ACUTE}" * 900_000))  # type: ignore[misc]
        assert (code, seconds < 0.005) == ("TEXT_INVALID", True)


def test_marks_that_scripts_have_are_taken_and_composed() -> None:
    vietnamese, hebrew = "Tie\u0302\u0301ng Vie\u0323\u0302t", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd"
    assert checked_text(vietnamese, "The value") == "Ti\u1ebfng Vi\u1ec7t"
    assert checked_line(hebrew, "The value") is not None
    assert checked_text("e\u0301" * 2000, "The value") == "\u00e9" * 2000
