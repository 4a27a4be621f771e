"""Step: the borders of communities, zones and, on request, cells in words."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from gridplan.bounds import bounds_words, landmarks_of
from gridplan.errors import Message
from gridplan.steps.work import Work

_COMMUNITY = Message(en="{}", zh="{}")
_ZONE = Message(en="zone {}", zh="责任区{}")
_CELL = Message(en="cell {}", zh="网格{}")


def add_bounds(work: Work) -> None:
    """Add the table of borders in words to the layers."""
    place, layers = work.place, work.found["layers"]
    communities, zones, cells = layers["communities"], layers["zones"], layers["cells"]
    units = [_units(communities, "community", "community_id", communities["name"], _COMMUNITY)]
    # Each system by itself: a zone's neighbours are those of its own system.
    for _, own in zones.groupby("zone_system", sort=False):
        units.append(_units(own, "zone", "zone_id", own["name"], _ZONE))
    if work.config.report.cell_bounds:
        units.append(_units(cells, "cell", "cell_uid", cells["cell_id"], _CELL))
    marks = landmarks_of(
        streets=place.streets, water=place.water, barriers=place.barriers, estates=place.estates
    )
    tables = [bounds_words(one, marks, place.estates) for one in units]
    layers["bounds_words"] = pd.concat(tables, ignore_index=True)


def _units(
    frame: gpd.GeoDataFrame, level: str, key: str, names: pd.Series[str], word: Message
) -> gpd.GeoDataFrame:
    called = names.fillna(frame[key]).astype(str)
    return gpd.GeoDataFrame(
        {
            "level": level,
            "unit_id": frame[key].astype(str),
            "name_zh": [word.zh.format(one) for one in called],
            "name_en": [word.en.format(one) for one in called],
        },
        geometry=frame.geometry.to_numpy(),
        crs=frame.crs,
    ).sort_values("unit_id", kind="stable")
