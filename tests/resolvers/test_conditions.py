"""Every row condition that a manifest may name is applied, in both directions."""

from resolvers.conditions import EMPLOYEE_CONDITIONS, KNOWN, LINK_CONDITIONS
from schema.vocabulary import ROW_CONDITIONS


def test_each_condition_of_the_vocabulary_is_written_for_links_or_for_staff() -> None:
    assert set(ROW_CONDITIONS) == {*LINK_CONDITIONS, *EMPLOYEE_CONDITIONS} == KNOWN
