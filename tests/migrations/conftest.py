"""These tests run on both databases."""

from tests.databases import database_url, empty_database, migrated_sqlite

__all__ = ["database_url", "empty_database", "migrated_sqlite"]
