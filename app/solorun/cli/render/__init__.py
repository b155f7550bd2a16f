"""Turns runs, records and errors into terminal output."""
