"""Implementations of the contract in `store/`, one folder per database."""
