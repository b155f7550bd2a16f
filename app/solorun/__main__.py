"""`python -m solorun`: the command line."""

import sys

from solorun.cli import main

sys.exit(main())
