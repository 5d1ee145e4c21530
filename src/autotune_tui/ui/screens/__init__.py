"""The screens, one module each; the application imports a screen when it is first shown."""
