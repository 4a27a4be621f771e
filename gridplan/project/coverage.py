"""Communities that fill the boundary exactly once: what is off, and the slits that are closed."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.errors import (
    Message,
    agreed,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.geometry import GRID_M, Geometries, polygonal, shared_borders
from gridplan.project.reading import Reading, ids_of
from gridplan.verify.findings import STANDARD

SLIT_M = 2.0
"""Gaps and overlaps narrower than this are closed: two drawings never agree to the metre."""

SLIT_SHARE = 0.005
"""One that is a larger share of a community beside it is no matter of drawing, however narrow."""

_MAPPED = Message(
    en="`gridplan check PROJECT.toml --map FILE.geojson` writes a map of the places.",
    zh="用 `gridplan check PROJECT.toml --map 文件.geojson` 可输出位置图。",
)
_CUT_SHARE = 0.01
_NOBODY, _SEVERAL = -1, -2

Ints = npt.NDArray[np.intp]


@dataclass
class _Pieces:
    """Faces between all lines; `owner` is a position of a community, or one of the two below 0."""

    faces: Geometries
    owner: Ints
    owners: list[tuple[int, ...]]


def without_slits(shapes: Geometries) -> tuple[shapely.Geometry, list[float]]:
    """Return the union with narrow gaps filled, and the areas of the wide holes in m²."""
    parts, wide = [], []
    for part in shapely.get_parts(_bridged(shapely.union_all(shapes))):
        holes = shapely.polygons(shapely.get_rings(part)[1:])
        keep = ~_narrow(holes)
        wide += shapely.area(holes[keep]).tolist()
        rings = [shapely.get_exterior_ring(hole) for hole in holes[keep]]
        parts.append(shapely.polygons(shapely.get_exterior_ring(part), holes=rings or None))
    return shapely.union_all(parts), sorted(wide, reverse=True)


def _bridged(union: shapely.Geometry) -> shapely.Geometry:
    """Return the shape with what is narrower than a slit filled between its parts."""
    wider = shapely.buffer(union, SLIT_M / 2, join_style="mitre")
    filled = shapely.buffer(wider, -SLIT_M / 2, join_style="mitre")
    slits = shapely.get_parts(shapely.difference(filled, union))
    # Going there and back leaves slivers of rounding width along every line.
    slits = slits[shapely.area(slits) > GRID_M * shapely.length(slits)]
    if not len(slits):
        return union
    overlapping = shapely.intersection(shapely.buffer(slits, 2 * GRID_M), filled)
    return shapely.union_all([union, *overlapping])


def fit_communities(reading: Reading, communities: gpd.GeoDataFrame) -> None:
    """
    Put the communities, cut to the boundary, among the layers, so that they tile it.

    Gaps and overlaps narrower than `SLIT_M` go to the neighbour with the longest
    border and are noted; wider ones are faults that name the communities. Where a
    slit is closed the boundary gets the vertices of the new lines.
    """
    outline = reading.layers["boundary"].geometry.iloc[0]
    inside = _cut(reading, communities, outline)
    reading.layers["communities"] = inside
    shapes = inside.geometry.to_numpy()
    if not len(inside) or _tiles(shapes, outline):
        return
    ids = ids_of(inside, "communities", np.ones(len(inside), dtype=bool))
    pieces = _pieces_of(shapes, outline)
    wide = _too_wide(pieces, shapes)
    if _wide_faults(reading, pieces, wide, ids):
        return
    closed = _close(pieces, np.array(ids, dtype=object))
    _note_closed(reading, pieces, closed, ids)
    _rebuild(reading, inside, pieces.faces, closed)


def _cut(
    reading: Reading, communities: gpd.GeoDataFrame, outline: shapely.Geometry
) -> gpd.GeoDataFrame:
    shapes = communities.geometry.to_numpy()
    if shapely.covers(outline, shapes).all():
        return communities.reset_index(drop=True)
    # Not on the grid: rounding the crossings would move long lines off the boundary.
    cut = polygonal(np.asarray(shapely.intersection(shapes, outline)))
    outside = 1 - shapely.area(cut) / shapely.area(shapes)
    gone = shapely.is_empty(cut)
    ids = np.array(ids_of(communities, "communities", np.ones(len(communities), dtype=bool)))
    for one, share in zip(ids[~gone], outside[~gone], strict=True):
        if share > _CUT_SHARE:
            reading.note(
                "community_cut",
                [one],
                en=f"The boundary cuts community {one}: {share:.0%} of its area lie outside. All "
                f"its residents are counted inside; correct the boundary or the count.",
                zh=f"边界穿过社区 {one}，其面积的 {share:.0%} 在边界外；"
                f"其全部人口仍计入区内，请核对边界或人口。",
            )
    _note_trimmed(reading, shapes, outline, ids, ~gone & (outside <= _CUT_SHARE))
    if gone.any():
        reading.note(
            "communities_outside",
            ids[gone].tolist(),
            en=f"{counted(int(gone.sum()), 'community lies', 'communities lie')} outside the "
            f"boundary, left out: {first_ids(ids[gone].tolist())}.",
            zh=f"{int(gone.sum())} 个社区在边界外，未采用：{ids_zh(ids[gone].tolist())}。",
        )
    fresh = communities.set_geometry(
        gpd.GeoSeries(cut, index=communities.index, crs=communities.crs)
    )
    return fresh[~gone].reset_index(drop=True)


def _note_trimmed(
    reading: Reading,
    shapes: Geometries,
    outline: shapely.Geometry,
    ids: npt.NDArray[np.object_],
    which: npt.NDArray[np.bool_],
) -> None:
    """Note what was cut off communities of which little lies beyond the boundary."""
    parts, row = shapely.get_parts(shapely.difference(shapes[which], outline), return_index=True)
    # Two drawings of one line leave hairlines.
    broad = shapely.area(parts) > GRID_M * shapely.length(parts)
    parts, names = parts[broad], ids[which][row[broad]]
    if not len(parts):
        return
    area_m2 = pd.Series(shapely.area(parts)).groupby(names).sum()
    area_m2 = area_m2.sort_index().sort_values(ascending=False, kind="stable")
    for part, name in zip(parts, names, strict=True):
        reading.spot("community_beyond", str(name), part)
    en = [f"{one} ({m2:,.2f} m²)" for one, m2 in area_m2.items()]
    zh = [f"{one}（{m2:,.2f} 平方米）" for one, m2 in area_m2.items()]
    reading.note(
        "communities_trimmed",
        en,
        en=f"{counted(len(en), 'community reaches', 'communities reach')} beyond the boundary, by "
        f"{area_m2.sum():,.2f} m² in all, and {agreed(len(en), 'was', 'were')} cut there: "
        f"{first_ids(en)}. All residents are counted inside. Correct the boundary or the community "
        f"lines if that land belongs to the place. {_MAPPED.en}",
        zh=f"{len(zh)} 个社区超出边界，共 {area_m2.sum():,.2f} 平方米，已按边界裁去："
        f"{ids_zh(zh)}。其人口仍全部计入区内；如该处属本区域，请修正边界或社区界线。{_MAPPED.zh}",
    )


def _tiles(shapes: Geometries, outline: shapely.Geometry) -> bool:
    """Say whether the shapes fill the outline once, as the verifier will ask."""
    gap_m2 = shapely.area(shapely.difference(outline, shapely.union_all(shapes)))
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    overlap_m2 = shapely.area(shapely.intersection(shapes[left], shapes[right])).sum()
    return bool(gap_m2 <= STANDARD.area_m2 and overlap_m2 <= STANDARD.area_m2)


def _pieces_of(shapes: Geometries, outline: shapely.Geometry) -> _Pieces:
    lines = shapely.boundary(np.append(shapes, outline))
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(lines, grid_size=GRID_M)]))
    points = shapely.point_on_surface(faces)
    within = shapely.intersects(outline, points)
    faces, points = faces[within], points[within]
    community, face = shapely.STRtree(points).query(shapes, predicate="intersects")
    owners: list[list[int]] = [[] for _ in faces]
    for one, at in sorted(zip(community.tolist(), face.tolist(), strict=True)):
        owners[at].append(one)
    first = [own[0] if len(own) == 1 else (_SEVERAL if own else _NOBODY) for own in owners]
    return _Pieces(faces, np.array(first, dtype=np.intp), [tuple(own) for own in owners])


def _too_wide(pieces: _Pieces, shapes: Geometries) -> npt.NDArray[np.bool_]:
    """Return which faces belong to a gap or an overlap too wide, or too large, to be closed."""
    wide = np.zeros(len(pieces.faces), dtype=bool)
    for owners in sorted({own for own in pieces.owners if len(own) != 1}):
        at = np.array([row for row, own in enumerate(pieces.owners) if own == owners])
        parts = shapely.get_parts(shapely.union_all(pieces.faces[at]))
        broad = parts[~_narrow(parts) | _large(parts, shapes)]
        if len(broad):
            points = shapely.point_on_surface(pieces.faces[at])
            wide[at[np.unique(shapely.STRtree(points).query(broad, predicate="intersects")[1])]] = (
                True
            )
    return wide


def _large(parts: Geometries, communities: Geometries) -> npt.NDArray[np.bool_]:
    """Return which parts are more than `SLIT_SHARE` of a community they lie in or beside."""
    part, community = shapely.STRtree(communities).query(
        parts, predicate="dwithin", distance=2 * GRID_M
    )
    least_m2 = np.full(len(parts), np.inf)
    np.minimum.at(least_m2, part, shapely.area(communities)[community])
    return np.asarray(shapely.area(parts) > SLIT_SHARE * least_m2, dtype=bool)


def _narrow(shapes: Geometries) -> npt.NDArray[np.bool_]:
    return np.asarray(shapely.is_empty(shapely.buffer(shapes, -SLIT_M / 2)), dtype=bool)


def _wide_faults(
    reading: Reading, pieces: _Pieces, wide: npt.NDArray[np.bool_], ids: list[str]
) -> bool:
    area_m2 = shapely.area(pieces.faces)
    overlaps: dict[str, float] = {}
    for row in np.flatnonzero(wide & (pieces.owner == _SEVERAL)):
        pair = " / ".join(ids[one] for one in pieces.owners[row])
        overlaps[pair] = overlaps.get(pair, 0.0) + float(area_m2[row])
        reading.spot("community_overlap", pair, pieces.faces[row])
    gap = wide & (pieces.owner == _NOBODY)
    if overlaps:
        total = sum(overlaps.values())
        pairs = [f"{pair} ({m2:,.0f} m²)" for pair, m2 in overlaps.items()]
        reading.faults.add(
            en=f"{counted(len(pairs), 'pair', 'pairs')} of communities "
            f"{agreed(len(pairs), 'overlaps', 'overlap')}, by {total:,.0f} m² in all: "
            f"{first_ids(pairs)}. Every place belongs to one community: correct their line. "
            f"{_MAPPED.en}",
            zh=f"{len(pairs)} 对社区相互重叠，共 {total:,.0f} 平方米：{ids_zh(pairs)}。"
            f"每处土地只能属于一个社区，请修正界线。{_MAPPED.zh}",
        )
    if gap.any():
        _gap_fault(reading, pieces, gap, ids)
    return bool(overlaps) or bool(gap.any())


def _gap_fault(
    reading: Reading, pieces: _Pieces, gap: npt.NDArray[np.bool_], ids: list[str]
) -> None:
    total = float(shapely.area(pieces.faces[gap]).sum())
    share = total / float(shapely.area(pieces.faces).sum())
    near = []
    parts = shapely.get_parts(shapely.union_all(pieces.faces[gap]))
    owned = pieces.owner >= 0
    tree = shapely.STRtree(pieces.faces[owned])
    for part in parts[np.argsort(-shapely.area(parts), kind="stable")]:
        beside = np.unique(pieces.owner[owned][tree.query(part, predicate="touches")])
        names = "/".join(ids[one] for one in beside) or "–"
        near.append(f"{names} ({shapely.area(part):,.0f} m²)")
        reading.spot("community_gap", names, part)
    reading.faults.add(
        en=f"{total:,.0f} m² of the boundary ({share:.2%}) lie in no community; the gaps are "
        f"beside {first_ids(near)}. Complete the communities, or set boundary = "
        f'"communities". {_MAPPED.en}',
        zh=f"边界内有 {total:,.0f} 平方米（{share:.2%}）不属于任何社区，缺口相邻社区："
        f'{ids_zh(near)}。请补全社区，或设置 boundary = "communities"。{_MAPPED.zh}',
    )


def _close(pieces: _Pieces, ids: npt.NDArray[np.object_]) -> Ints:
    """Return the owners of the faces with each slit given to the neighbour it borders most."""
    owner = pieces.owner.copy()
    borders = shared_borders(pieces.faces)
    both = pd.concat(
        [borders, borders.rename(columns={"left": "right", "right": "left"})], ignore_index=True
    )
    while (owner < 0).any():
        open_side = both[(owner[both["left"]] < 0) & (owner[both["right"]] >= 0)]
        if open_side.empty:
            break
        sides = pd.DataFrame(
            open_side.assign(to=owner[open_side["right"]])
            .groupby(["left", "to"])["length_m"]
            .sum()
            .reset_index()
        )
        sides["length_m"] = np.round(sides["length_m"] / GRID_M)
        sides["id"] = ids[sides["to"]]
        sides = sides.sort_values(["left", "length_m", "id"], ascending=[True, False, True])
        first = sides.drop_duplicates("left")
        owner[first["left"]] = first["to"]
    return owner


def _note_closed(reading: Reading, pieces: _Pieces, owner: Ints, ids: list[str]) -> None:
    """Keep the slits with their names, until it is known who lives there."""
    slit = pieces.owner < 0
    sides = pieces.faces[~slit], pieces.owner[~slit]
    tree = shapely.STRtree(sides[0])
    for row in np.flatnonzero(slit):
        own = set(pieces.owners[row])
        beside = own or set(sides[1][tree.query(pieces.faces[row], predicate="touches")].tolist())
        to = ids[owner[row]] if owner[row] >= 0 else "–"
        names = "/".join(ids[one] for one in sorted(beside)) or "–"
        reading.slits.append((names, to, pieces.faces[row]))
        reading.spot("community_slit", f"{names} → {to}", pieces.faces[row])


def _rebuild(reading: Reading, inside: gpd.GeoDataFrame, faces: Geometries, owner: Ints) -> None:
    kept = owner >= 0
    shapes = [shapely.union_all(faces[owner == one]) for one in range(len(inside))]
    reading.layers["communities"] = inside.set_geometry(
        gpd.GeoSeries(shapes, index=inside.index, crs=reading.crs)
    )
    boundary = reading.layers["boundary"]
    reading.outline = shapely.union_all(faces[kept])
    reading.layers["boundary"] = boundary.set_geometry(
        gpd.GeoSeries([reading.outline], index=boundary.index, crs=reading.crs)
    )
