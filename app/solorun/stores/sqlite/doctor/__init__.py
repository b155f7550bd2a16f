"""Checks the invariants of the database and repairs what can be repaired."""
