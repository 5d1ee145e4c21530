"""`python -m autotune_tui` is `autotune-tui`."""

from autotune_tui.cli import main

if __name__ == "__main__":
    main()
