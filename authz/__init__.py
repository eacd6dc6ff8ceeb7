"""What is allowed: principals, grants, decisions, plans, consents. It reads no MIS row and serves nobody."""
