"""What exists: MIS entities, fieldgate's own tables, scopes, the GraphQL schema. It decides and reads nothing."""
