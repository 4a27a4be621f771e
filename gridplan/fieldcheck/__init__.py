"""What to look at on the ground first: doubts ranked by how much the result could change."""

from gridplan.fieldcheck.options import CheckOptions
from gridplan.fieldcheck.ranking import FieldCheck, field_check

__all__ = ["CheckOptions", "FieldCheck", "field_check"]
