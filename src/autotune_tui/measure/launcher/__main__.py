"""Where the launcher starts, in a Python without site-packages: finds the modules beside it and serves."""

import sys

if __name__ == "__main__":
    # autotune_tui/measure/launcher/__main__.py: three folders up. Last, so that nothing there hides a module of Python's.
    sys.path.append(__file__.rsplit("/", 4)[0])
    from autotune_tui.measure.launcher.serve import main

    main()
