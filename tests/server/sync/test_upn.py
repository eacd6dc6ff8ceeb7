"""The check letter of UPNs."""

import pytest

from server.sync.upn import check_letter, is_valid_upn


@pytest.mark.parametrize("upn", ["B801200005001", "N823432113104"])
def test_a_upn_with_its_check_letter_is_valid(upn: str) -> None:
    assert is_valid_upn(upn)
    assert check_letter(upn[1:]) == upn[0]


def test_a_temporary_upn_ends_in_a_letter_that_counts_its_index() -> None:
    # 8*2 + 0*3 + 1*4 + 2*5 + 0*6 + 0*7 + 0*8 + 0*9 + 5*10 + 0*11 + 0*12 + 3*13 = 119 = 5 * 23 + 4; D counts 3.
    assert check_letter("80120000500D") == "E"
    assert is_valid_upn("E80120000500D")


@pytest.mark.parametrize(
    "text",
    [
        "C801200005001",
        "B801200005002",
        "b801200005001",
        "B80120000500",
        "B8012000050011",
        "B80120000500I",
        "",
        "B801200005001 ",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_valid_upn(text)
