"""Buildings that stand on each other: nothing is dropped, but the planner should know."""

from __future__ import annotations

import numpy as np
import shapely

from gridplan.errors import counted, first_ids, ids_zh
from gridplan.project.reading import Reading, ids_of

_LAYER = "buildings"
_SHARED_M2 = 0.01
"""Party walls that two surveys drew leave less than that in common."""


def note_overlaps(reading: Reading) -> None:
    """Note buildings that are there twice, that lie inside another one, or overlap, a kind each."""
    frame = reading.layers.get(_LAYER)
    if frame is None or frame.empty:
        return
    names = np.array(ids_of(frame, _LAYER, np.ones(len(frame), dtype=bool)), dtype=object)
    by_name = np.argsort(names.astype(str), kind="stable")
    names, shapes = names[by_name], frame.geometry.to_numpy()[by_name]
    areal = shapely.get_dimensions(shapes) > 1
    names, shapes = names[areal], shapes[areal]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    shared_m2 = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    size_m2 = shapely.area(shapes)
    less_m2 = np.minimum(size_m2[left], size_m2[right])
    more_m2 = np.maximum(size_m2[left], size_m2[right])
    twice = shared_m2 >= more_m2 - _SHARED_M2
    inside = ~twice & (shared_m2 >= less_m2 - _SHARED_M2)
    over = ~twice & ~inside
    first = np.where(size_m2[left] <= size_m2[right], left, right)
    other = left + right - first
    for code, which, en, zh in (
        ("twice", twice, "exactly on another one", "与另一栋完全重合"),
        ("nested", inside, "inside another one", "位于另一栋之内"),
        ("overlap", over, "partly on another one", "与另一栋部分重叠"),
    ):
        rows = np.flatnonzero(which & (shared_m2 > _SHARED_M2))
        if not len(rows):
            continue
        pairs = [f"{names[first[at]]} + {names[other[at]]}" for at in rows]
        total_m2 = float(shared_m2[rows].sum())
        reading.note(
            f"buildings_{code}",
            pairs,
            en=f"{counted(len(pairs), 'building lies', 'buildings lie')} {en} ({total_m2:,.1f} m² "
            f"in common): {first_ids(pairs)}. Both are kept, each with its households, and cells "
            f"that are drawn do not part them. Delete what is not there.",
            zh=f"{len(pairs)} 栋建筑{zh}（共同面积 {total_m2:,.1f} 平方米）：{ids_zh(pairs)}。"
            f"两者均予保留，各计其户数，划分网格时不予分开。请删除实际不存在的建筑。",
        )
