"""Tests of the dashboard in Chromium. A package, so that its fixtures are torn down after its last test."""
