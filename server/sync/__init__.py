"""Imports of a school's records from its MIS API: read everything, validate, then write in one short transaction."""
