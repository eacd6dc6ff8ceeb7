"""The demonstration's fixtures: both databases."""

from tests.databases import *  # noqa: F403
