"""Where runs and their logs are kept: implementations of the contract in `store.py`, one folder a technology."""
