"""Limits of a service that no test is about. On a busy machine, a test process may stand still for many seconds."""

from typing import Final

from solorun.http.connection_limits import ConnectionLimits
from solorun.service import ServiceLimits

PATIENCE_SECONDS: Final = 120

PATIENT_LIMITS: Final = ServiceLimits(
    write_seconds=PATIENCE_SECONDS,
    connections=ConnectionLimits(idle_timeout_seconds=PATIENCE_SECONDS, keep_alive_seconds=PATIENCE_SECONDS),
)

PATIENT_PROGRAM: Final = (
    "-c",
    "import sys\n"
    "from solorun.cli import main\n"
    "from solorun.service import DEFAULT_LIMITS\n"
    f"object.__setattr__(DEFAULT_LIMITS, 'write_seconds', {PATIENCE_SECONDS})\n"
    f"object.__setattr__(DEFAULT_LIMITS.connections, 'idle_timeout_seconds', {PATIENCE_SECONDS})\n"
    "sys.exit(main())\n",
)
"""`solorun` with these limits, in place of `-m solorun`."""
