"""
The synthetic demo town: a sub-district in the manner of 新镇街道 on the canal plain.

What is invented and what is calibrated to what stands in ``data/README.md``;
``python -m gridplan.sources.demo`` prints the figures quoted there.
"""

from gridplan.sources.demo.options import DemoOptions, DemoTown
from gridplan.sources.demo.town import make_town
from gridplan.sources.demo.write import write_project

__all__ = ["DemoOptions", "DemoTown", "make_town", "write_project"]
