"""Tests of people's operations change their data: each has a database of its own, on SQLite and on PostgreSQL."""

from tests.databases import *  # noqa: F403
