"""Families of one town: an address, the adults who answer for the children, and children of school age.

A family is made once; each school that one of its children attends then has its own records of it, as real MISs do.
"""

import unicodedata
from dataclasses import dataclass
from random import Random

from server.demo import words


@dataclass(frozen=True, slots=True)
class Adult:
    """A parent, step-parent or grandparent."""

    role: str
    title: str
    forename: str
    surname: str
    gender: str
    lives_here: bool
    mobile: str
    home_phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """A child of school age; `year` is its national curriculum year, 0 for Reception."""

    forename: str
    middle_name: str | None
    gender: str
    year: int
    birth_month: int
    birth_day: int


@dataclass(frozen=True, slots=True)
class Family:
    """Who lives at one address, and a parent who lives elsewhere."""

    surname: str
    address: dict[str, object]
    adults: tuple[Adult, ...]
    children: tuple[Child, ...]


class Town:
    """Makes one family after another."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def family(self, first_year: int, last_year: int) -> Family:
        """A family with children in these years."""
        random = self._random
        surname = random.choice(words.SURNAMES)
        years = [random.randint(first_year, last_year)]
        while random.random() < 0.45 and len(years) < 5:
            years.append(years[-1] - random.choice((0, 1, 2, 2, 3, 4)))  # 0: twins
        children = tuple(self._child(year) for year in years if year >= first_year)
        return Family(surname, self._address(), tuple(self._adults(surname)), children)

    def _child(self, year: int) -> Child:
        random = self._random
        girl = random.random() < 0.49
        names = words.GIRLS if girl else words.BOYS
        middle = random.choice(names) if random.random() < 0.55 else None
        return Child(
            random.choice(names),
            middle,
            "FEMALE" if girl else "MALE",
            year,
            random.randint(1, 12),
            random.randint(1, 28),
        )

    def _adults(self, surname: str) -> list[Adult]:
        random = self._random
        apart = random.random() < 0.2
        adults = [self._adult("mother", surname, lives_here=True)]
        if random.random() < 0.9:
            adults.append(self._adult("father", surname, lives_here=not apart))
        if apart and random.random() < 0.5:
            adults.append(self._adult("step", random.choice(words.SURNAMES), lives_here=True))
        if random.random() < 0.12:
            adults.append(self._adult("grand", surname, lives_here=False))
        return adults

    def _adult(self, role: str, surname: str, *, lives_here: bool) -> Adult:
        random = self._random
        woman = role == "mother" or (role != "father" and random.random() < 0.6)
        names, titles = (words.GIRLS, ("Mrs", "Ms", "Miss", "Dr")) if woman else (words.BOYS, ("Mr", "Mr", "Mr", "Dr"))
        own = random.choice(words.SURNAMES) if woman and random.random() < 0.25 else surname
        forename = random.choice(names)
        number = random.randrange(1000)
        email = f"{_plain(forename)}.{_plain(own)}{number}@example.org" if random.random() < 0.8 else None
        home = f"01632 960{random.randrange(1000):03d}" if random.random() < 0.4 else None
        gender = "FEMALE" if woman else "MALE"
        mobile = f"07700 900{number:03d}"
        return Adult(role, random.choice(titles), forename, own, gender, lives_here, mobile, home, email)

    def _address(self) -> dict[str, object]:
        random = self._random
        named = random.random() < 0.04
        return {
            "house_number": None if named else str(random.randint(1, 180)),
            "house_name": random.choice(words.HOUSE_NAMES) if named else None,
            "apartment": f"Flat {random.randint(1, 12)}" if random.random() < 0.08 else None,
            "street": random.choice(words.STREETS),
            "district": random.choice(words.DISTRICTS) if random.random() < 0.5 else None,
            "town": words.TOWN,
            "county": words.COUNTY,
            "country": words.COUNTRY,
            "postcode": f"QQ{random.randint(1, 9)} {random.randint(1, 9)}{random.choice(('AG', 'BH', 'DJ'))}",
        }


def _plain(name: str) -> str:
    """A name as an e-mail address has it."""
    letters = unicodedata.normalize("NFKD", name.lower().replace("ł", "l"))
    return "".join(letter for letter in letters if "a" <= letter <= "z")
