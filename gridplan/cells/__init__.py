"""Management cells: partition and codes."""
