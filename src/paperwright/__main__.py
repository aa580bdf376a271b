"""`python -m paperwright`."""

import sys

from paperwright.cli import main

sys.exit(main())
