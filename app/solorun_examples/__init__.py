"""Example projects: pipelines that do real work, and show how steps are written."""
