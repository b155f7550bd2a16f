"""Implementations of the contract in `store.py`, one folder per database."""
