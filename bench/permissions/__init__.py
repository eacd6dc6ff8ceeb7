"""The same schema as an ordinary good team writes it: Strawberry types, a permission class per field, data loaders.

Async resolvers over SQLAlchemy and aiosqlite; token and grants are read once per request and permissions are checked in
memory, without await. Documents are parsed and validated once. Errors are logged as Strawberry does by itself, each
denied field of each row with its traceback; `--quiet-denials` leaves denials out, for who has that in mind.
"""

QUIET = "BENCH_QUIET_DENIALS"
