"""Checks the invariants of runs and logs, and repairs what can be repaired."""

from solorun.stores.sql.doctor.checks import check_contents

__all__ = ["check_contents"]
