"""Tests of the dashboard in a browser. A package, so that its fixtures are torn down after its last test."""
