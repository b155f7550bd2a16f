"""Checks the invariants of runs and logs, and repairs what can be repaired."""
