"""The panels and lines of the screens, one class a module."""
