"""What exists: MIS entities, fieldgate's own tables, scopes, the GraphQL schema. It decides nothing and reads nothing."""
