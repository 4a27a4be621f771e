"""What lies in the slits between communities that were closed: land and residents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from gridplan.demand import spread_residents
from gridplan.errors import Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.place import Place
from gridplan.project.coverage import SLIT_M
from gridplan.project.reading import Reading

_CODE = "community_slits"


def with_slits(place: Place, reading: Reading) -> Place:
    """Return the place with a note of the closed slits, each with its area and residents."""
    if not reading.slits:
        return place
    shapes = np.array([shape for *_, shape in reading.slits], dtype=object)
    demand = spread_residents(place, options=reading.config.demand.options)
    points = demand.geometry.to_numpy()
    slit, home = shapely.STRtree(points).query(shapes, predicate="intersects")
    people = demand["population"].fillna(0).to_numpy(dtype=float)
    residents = np.bincount(slit, weights=people[home], minlength=len(shapes))
    area_m2 = shapely.area(shapes)
    order = np.argsort(-area_m2, kind="stable")
    en = [
        f"{reading.slits[at][0]} → {reading.slits[at][1]} ({area_m2[at]:,.2f} m², "
        f"{residents[at]:,.0f} residents)"
        for at in order
    ]
    zh = [
        f"{reading.slits[at][0]} → {reading.slits[at][1]}（{area_m2[at]:,.2f} 平方米，"
        f"{residents[at]:,.0f} 人）"
        for at in order
    ]
    message = Message(
        en=f"{counted(len(shapes), 'gap or overlap', 'gaps and overlaps')} between communities "
        f"narrower than {SLIT_M:g} m ({area_m2.sum():,.2f} m² and {residents.sum():,.0f} residents "
        f"in all) {agreed(len(shapes), 'was', 'were')} closed; each went to the neighbour with the "
        f"longest border: {first_ids(en)}.",
        zh=f"社区之间有 {len(shapes)} 处宽度小于 {SLIT_M:g} 米的缝隙或重叠"
        f"（共 {area_m2.sum():,.2f} 平方米、{residents.sum():,.0f} 人），"
        f"已并入公共边界最长的相邻社区：{ids_zh(zh)}。",
    )
    return replace(place, notes=(*place.notes, Note(_CODE, len(shapes), message, tuple(en))))
