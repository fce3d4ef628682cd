"""`python -m distil …` runs the program."""

from __future__ import annotations

import sys

from ._errors import NoProgram
from ._program import replace_process

try:
    sys.exit(replace_process(sys.argv[1:]))
except NoProgram as error:
    sys.exit(f"{error}")
