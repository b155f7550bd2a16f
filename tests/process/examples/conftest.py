"""The fixtures of the glossary's tests, for the tests with a whole service."""

from tests.unit.examples.conftest import bench, no_configured_endpoint, start_endpoint

__all__ = ["bench", "no_configured_endpoint", "start_endpoint"]
