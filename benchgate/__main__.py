"""``python -m benchgate``."""

import sys

from benchgate.cli import main

sys.exit(main())
