"""The layers that checks look at, by name, and what several of them need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import shapely

from gridplan.verify import zones
from gridplan.verify.contact import neighbours
from gridplan.verify.findings import Tolerances
from gridplan.verify.frames import shapes, sound
from gridplan.verify.profiles import GB_T_30428, CodeProfile, profile_of_form

_INPUT = "in_"
_ALSO_AS_INPUT = ("boundary", "communities", "buildings", "sites", "population")


@dataclass(frozen=True)
class World:
    """The layers by name, inputs also without their prefix, and what several checks need."""

    layers: Mapping[str, pd.DataFrame]
    summary: Mapping[str, Any]
    cells_method: str | None
    profile: CodeProfile
    tolerances: Tolerances

    def get(self, name: str) -> pd.DataFrame | None:
        """Return a layer, None where it is absent."""
        return self.layers.get(name)

    def offers(self, need: str) -> bool:
        """Whether one of the layers, or columns, of ``a | b.column`` is there."""
        return any(self._holds(*one.strip().split(".")) for one in need.split("|"))

    def _holds(self, layer: str, *columns: str) -> bool:
        if layer == "summary":
            return bool(section(self.summary, columns[0])) if columns else bool(self.summary)
        return self.has(layer, *columns)

    def has(self, layer: str, *columns: str) -> bool:
        """Whether a layer has these columns."""
        return layer in self.layers and set(columns) <= set(self.layers[layer])

    @cached_property
    def outline(self) -> shapely.Geometry | None:
        """The boundary as one shape, None where none is sound."""
        return outline_of(self.layers["boundary"]) if "boundary" in self.layers else None

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """The pairs of cells that meet."""
        return neighbours(shapes(self.layers["cells"]), tolerances=self.tolerances)

    @cached_property
    def members(self) -> pd.DataFrame | None:
        """Which cell is in which zone, None where no layer says."""
        cell_zones, drawn = self.get("cell_zones"), self.get("zones")
        readable = cell_zones is None or self.has(
            "cell_zones", "cell_uid", "zone_system", "zone_id"
        )
        if "cells" not in self.layers or not readable:
            return None
        found = zones.membership(self.layers["cells"], cell_zones, drawn)
        return None if found is None or found.empty else found


def with_inputs(layers: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return plain frames, inputs also by their names without prefix."""
    known = {name: pd.DataFrame(layer) for name, layer in layers.items()}
    for name in _ALSO_AS_INPUT:
        if name not in known and _INPUT + name in known:
            known[name] = known[_INPUT + name]
    return known


def section(summary: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a block of a summary, empty where it is absent or no block."""
    block = summary.get(name)
    return block if isinstance(block, Mapping) else {}


def claimed_profile(summary: Mapping[str, Any]) -> CodeProfile:
    """Return the form of codes that a summary says its cells have, GB/T 30428 where it does not."""
    cells = section(summary, "cells")
    form = profile_of_form(str(cells.get("code_form")), name=str(cells.get("code_profile")))
    return form or GB_T_30428


def outline_of(boundary: pd.DataFrame) -> shapely.Geometry | None:
    """Return the union of the sound shapes of a boundary, None where there is none."""
    if "geometry" not in boundary:
        return None
    polygons = shapes(boundary)
    good = polygons[sound(polygons)]
    return shapely.union_all(good) if len(good) else None
