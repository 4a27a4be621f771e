"""Figures, maps, tables and the report: formats only."""
