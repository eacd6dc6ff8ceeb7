"""What is decided is decided alike on both databases."""

from tests.databases import database, database_url, empty_database, migrated_sqlite

__all__ = ["database", "database_url", "empty_database", "migrated_sqlite"]
