"""Implementations of the contract in `store/`: `sqlite/` and `postgres/`, on what they share (`sql/`).

`transfer/` copies an SQLite database into PostgreSQL. `directory_lock` gives a data directory to one process.
"""
