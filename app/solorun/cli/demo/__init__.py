"""`solorun demo --cluster`: several processes and a PostgreSQL server, which end together."""

from solorun.cli.demo.cluster import demonstrate

__all__ = ["demonstrate"]
