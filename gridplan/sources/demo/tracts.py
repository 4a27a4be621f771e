"""What stands on one block: the record that every kind of land use fills."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.geometry import Floats, Geometries
from gridplan.sources.demo.blocks import Block
from gridplan.sources.demo.waterways import Way

Ints = npt.NDArray[np.int64]

BUILDING_KINDS = {
    "commodity": "residential",
    "resettlement": "residential",
    "village": "village",
    "dormitory": "dormitory",
    "factory": "industrial",
    "commercial": "commercial",
    "school": "public",
    "hospital": "public",
    "market": "public",
    "civic": "public",
}
"""Kind of the buildings on a tract of each use."""

ESTATE_KINDS = ("commodity", "resettlement", "village", "dormitory")
"""Uses whose tracts are estates."""


def _no_shapes() -> Geometries:
    return np.empty(0, dtype=object)


def _no_counts() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Tract:
    """
    One block as built.

    Attributes
    ----------
    block : Block
    use : str
        A key of `BUILDING_KINDS`, or ``park`` or ``ponds``.
    outline : Polygon or None
        The estate; the ring of a walled one has a vertex at each gate.
    gates : array, shape (n_gates, 2)
    ways : list of Way
        Streets and paths inside; they share vertices with the streets outside.
    footprints : array of Polygon, shape (n,)
    floors, households : array of int, shape (n,)
    walls : list of array, shape (n_vertices, 2)
        Walls of land that is no estate.
    ponds : array of Polygon
    """

    block: Block
    use: str
    outline: shapely.Polygon | None = None
    gates: Floats = field(default_factory=lambda: np.empty((0, 2)))
    ways: list[Way] = field(default_factory=list)
    footprints: Geometries = field(default_factory=_no_shapes)
    floors: Ints = field(default_factory=_no_counts)
    households: Ints = field(default_factory=_no_counts)
    walls: list[Floats] = field(default_factory=list)
    ponds: Geometries = field(default_factory=_no_shapes)

    @property
    def homes(self) -> int:
        """Households of the whole tract."""
        return int(self.households.sum())
