"""Schedulers over each store."""

from tests.integration.runs.conftest import engine_store

__all__ = ["engine_store"]
