"""`python -m autotune_tui.config README.md` writes the configuration reference into that file anew."""

import sys
from pathlib import Path

from autotune_tui.config.reference import with_reference

readme = Path(sys.argv[1])
readme.write_text(with_reference(readme.read_text(encoding="utf-8")), encoding="utf-8")
