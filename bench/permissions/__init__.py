"""The same schema as an ordinary good team writes it: Strawberry types, a permission class per field, data loaders.

Async resolvers over SQLAlchemy and aiosqlite; token and grants are read once per request and permissions are checked in
memory, without await. Documents are parsed and validated once. Denials are not logged, as they are no faults.
"""
