"""What people ask and do through the API: every root of `schema/people/` and the function that answers it."""
