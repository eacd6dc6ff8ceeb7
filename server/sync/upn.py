"""Unique Pupil Numbers: a check letter, three digits of the authority, four of the school, two of the year, three more.

The check letter is the sum of digit times position for positions 2 to 13, modulo 23, in an alphabet without I, O and S.
A temporary UPN has a letter in position 13, which counts its index.
"""

import re

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_FORM = re.compile(f"[{LETTERS}][0-9]{{11}}[0-9{LETTERS}]")


def check_letter(rest: str) -> str:
    """The letter that goes before these twelve characters."""
    total = 0
    for position, character in enumerate(rest, start=2):
        total += position * (int(character) if character.isdigit() else LETTERS.index(character))
    return LETTERS[total % len(LETTERS)]


def is_valid_upn(text: str) -> bool:
    """Whether the text has a UPN's form and the check letter that its other characters ask for."""
    return _FORM.fullmatch(text) is not None and check_letter(text[1:]) == text[0]
