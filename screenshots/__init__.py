"""Pictures of the screens, made from real runs."""
