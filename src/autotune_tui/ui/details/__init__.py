"""What the details screen is made of: one experiment as frozen views, and a widget for each of its tabs."""
