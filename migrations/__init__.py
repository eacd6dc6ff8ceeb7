"""Every change of the tables, in order. A database is at exactly one revision, and a migration is never edited.

The DDL is frozen text in `ddl/`, one file per revision and database; `draft.py` prints what the models stand for now,
and a test holds the two equal.
"""

HEAD = "0001"
"""The newest revision: what a database must be at. A test compares it with the scripts."""
