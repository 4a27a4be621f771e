"""Independent checks of a plan."""
