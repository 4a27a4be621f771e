"""Responsibility zones: contiguity and balanced partition."""
