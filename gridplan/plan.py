"""`Plan`: the frozen record of one run, as the contract's layers and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from gridplan.place import Place

CONTRACT = "1.0"
"""Version of the layers, columns and files that other programs rely on."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run: its name and the SHA-256 of its inputs and settings."""

    name: str
    fingerprint: str


@dataclass(frozen=True, eq=False)
class Plan:
    """
    What a run gives: the place it read, the layers it made, the figures it proves.

    Attributes
    ----------
    place : Place
        The normalised inputs.
    layers : mapping of layer name to frame
        The layers and tables of the contract (``cells``, ``zones``, ``demand`` …),
        in the project CRS; a GeoDataFrame where the layer has a geometry.
    summary : mapping
        As in ``schemas/summary.schema.json``.
    settings : mapping
        All settings that were in force, defaults included.
    steps : tuple of StepRecord
        In the order they ran.
    seconds : mapping of step name to seconds
        Kept out of every file but ``timing.json``.
    """

    place: Place
    layers: Mapping[str, pd.DataFrame]
    summary: Mapping[str, Any]
    settings: Mapping[str, Any]
    steps: tuple[StepRecord, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer that has a geometry."""
        frame = self.layers[name]
        if not isinstance(frame, gpd.GeoDataFrame):
            msg = f"`{name}` is a table without geometry"
            raise TypeError(msg)
        return frame
