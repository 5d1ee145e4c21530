"""autotune-tui: makes software measurably better by itself."""

__version__ = "0.1.0"
