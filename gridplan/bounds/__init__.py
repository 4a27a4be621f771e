"""Borders in words (四至): what a unit reaches to in the east, south, west and north."""

from gridplan.bounds.landmarks import Landmarks, landmarks_of
from gridplan.bounds.options import BoundsOptions
from gridplan.bounds.sides import SIDES
from gridplan.bounds.table import BOUNDS_COLUMNS, bounds_words

__all__ = ["BOUNDS_COLUMNS", "SIDES", "BoundsOptions", "Landmarks", "bounds_words", "landmarks_of"]
