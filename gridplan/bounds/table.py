"""The table of borders in words: one row for each side of each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.bounds.landmarks import NOBODY, Landmarks, along_landmarks
from gridplan.bounds.options import BoundsOptions
from gridplan.bounds.sides import SIDES, Ints, Pieces, border_pieces, corner
from gridplan.errors import Message
from gridplan.geometry import Floats, Geometries

BOUNDS_COLUMNS = (
    "level", "unit_id", "side", "text_zh", "text_en", "length_m", "named_share"
)  # fmt: skip
"""Columns of the table."""

_DEFAULTS = BoundsOptions()

_CLOSE_M = 0.05
"""Well above the grid of 1 mm, and narrower than any notch."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a piece of border runs along: a name, or a line that has none and needs its ends."""

    text: Message
    named: bool = False
    with_ends: bool = False


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What one side runs along, from where to where, over which length."""

    text: Message
    named: bool
    length_m: float
    east: float
    north: float


def bounds_words(
    units: gpd.GeoDataFrame,
    marks: Landmarks,
    estates: gpd.GeoDataFrame,
    *,
    neighbours: gpd.GeoDataFrame | None = None,
    options: BoundsOptions = _DEFAULTS,
) -> pd.DataFrame:
    """
    Say in words what each unit reaches to in the east, south, west and north (四至).

    A side is told by the named streets, waters, railways and walls that run along it, from
    north to south or from west to east. Where none does, by what lies across the border:
    the estate, else the neighbouring unit of the same level, or the outer boundary, with the
    coordinates of the ends in whole metres of the units' system. A side that a unit does not
    have is told by its corner.

    Parameters
    ----------
    units : GeoDataFrame
        ``level`` (``community``, ``zone``, ``cell``), ``unit_id``, ``name_zh`` and
        ``name_en`` (how a neighbour calls it), polygons in projected metres.
    marks : Landmarks
    estates : GeoDataFrame
        ``name`` and polygons.
    neighbours : GeoDataFrame, optional
        ``name_zh``, ``name_en`` and polygons that a border is told by in place of the other
        units; where several hold the land across it, the first one.
    options : BoundsOptions

    Returns
    -------
    DataFrame
        `BOUNDS_COLUMNS`: four rows a unit, in the order of `units` and of `SIDES`;
        ``length_m`` of the side and ``named_share`` of it along named lines, from 0 to 1,
        higher is clearer; null where the unit has no such side.

    Examples
    --------
    >>> from gridplan.bounds import landmarks_of
    >>> square = [shapely.box(0, 0, 100, 100)]
    >>> units = gpd.GeoDataFrame(
    ...     {"level": "zone", "unit_id": "Z1", "name_zh": "Z1", "name_en": "Z1"},
    ...     geometry=square, index=[0], crs=4549,
    ... )
    >>> street = shapely.LineString([(100, -50), (100, 150)])
    >>> streets = gpd.GeoDataFrame({"name": ["长江路"]}, geometry=[street], crs=4549)
    >>> none = streets.iloc[:0]
    >>> marks = landmarks_of(streets=streets, water=none, barriers=none, estates=none)
    >>> table = bounds_words(units, marks, none)
    >>> table.loc[0, ["side", "text_zh"]].tolist(), float(table.loc[0, "named_share"])
    (['east', '长江路'], 1.0)
    >>> table.loc[1, "text_en"]
    'the outer boundary from E 0 N 0 to E 100 N 0'
    """
    shapes = units.geometry.to_numpy()
    pieces = border_pieces(shapes, options=options)
    mark = along_landmarks(pieces, marks, options=options)
    across = _across(pieces, units, estates, neighbours, options=options)
    described = _Described(pieces, mark, across, marks.names)
    key = pieces.unit * len(SIDES) + pieces.side
    order = np.argsort(key, kind="stable")
    limits = np.searchsorted(key[order], np.arange(len(units) * len(SIDES) + 1))
    rows: list[dict[str, Any]] = []
    for at, (level, unit_id) in enumerate(zip(units["level"], units["unit_id"], strict=True)):
        for side, name in enumerate(SIDES):
            first = at * len(SIDES) + side
            own = order[limits[first] : limits[first + 1]]
            told = described.stretches(own, side, options.least_share)
            text, length_m, named = _side(told, shapes[at], side, options)
            rows.append(
                {
                    "level": level,
                    "unit_id": unit_id,
                    "side": name,
                    "text_zh": text.zh,
                    "text_en": text.en,
                    "length_m": length_m,
                    "named_share": named,
                }
            )
    return pd.DataFrame(rows, columns=list(BOUNDS_COLUMNS))


def _side(
    told: list[_Stretch], shape: shapely.Geometry, side: int, options: BoundsOptions
) -> tuple[Message, float, float]:
    length_m = sum(one.length_m for one in told)
    if not told:
        place = _place(*corner(shape, side))
        return Message(en=f"the corner at {place.en}", zh=f"界点{place.zh}"), 0.0, np.nan
    most = max(one.length_m for one in told)
    least = min(options.least_share * length_m, most)
    upright = SIDES[side] in {"east", "west"}
    kept = sorted(
        (one for one in told if one.length_m >= least),
        key=lambda one: (-one.north if upright else one.east, one.text.zh),
    )
    named = sum(one.length_m for one in told if one.named) / length_m
    text = Message(
        en=", ".join(one.text.en for one in kept), zh="、".join(one.text.zh for one in kept)
    )
    return text, length_m, min(named, 1.0)


@dataclass(frozen=True, slots=True)
class _Described:
    """Pieces of border with the name each runs along, and what lies across it."""

    pieces: Pieces
    mark: Ints
    across: list[_Told]
    names: tuple[Message, ...]

    def stretches(self, own: Ints, side: int, least_share: float) -> list[_Stretch]:
        """Return the stretches of one side of a unit, whose pieces are in the order of its ring."""
        least_m = least_share * self.pieces.length[own].sum()
        start, end = self.pieces.start, self.pieces.end
        groups: dict[tuple[_Told, int], list[int]] = {}
        runs: dict[_Told, tuple[int, Floats]] = {}
        for piece in own.tolist():
            told, run = self._told(piece), 0
            if told.with_ends:
                # Told by its ends, each stretch by itself; names too short to be told, and
                # notches, do not part it.
                run, last = runs.get(told, (0, start[piece]))
                run += bool(np.hypot(*(start[piece] - last)) >= least_m)
                runs[told] = run, end[piece]
            groups.setdefault((told, run), []).append(piece)
        return [self._stretch(told, np.array(rows), side) for (told, _), rows in groups.items()]

    def _middle(self, rows: Ints) -> Floats:
        return np.asarray((self.pieces.start[rows] + self.pieces.end[rows]) / 2)

    def _told(self, piece: int) -> _Told:
        if self.mark[piece] != NOBODY:
            return _Told(self.names[self.mark[piece]], named=True)
        return self.across[piece]

    def _stretch(self, told: _Told, rows: Ints, side: int) -> _Stretch:
        length = self.pieces.length[rows]
        total = length.sum()
        east, north = (self._middle(rows) * length[:, None]).sum(axis=0) / total
        text = told.text
        if told.with_ends:
            first, last = self.pieces.start[rows[0]], self.pieces.end[rows[-1]]
            # A ring has its polygon on the left: it runs from the east in the north.
            turned = SIDES[side] in {"east", "north"}
            text = _between(text, last, first) if turned else _between(text, first, last)
        return _Stretch(text, told.named, float(total), float(east), float(north))


_OUTER = _Told(Message(en="the outer boundary", zh="辖区边界"), with_ends=True)


def _between(text: Message, start: Floats, end: Floats) -> Message:
    one, other = _place(*start), _place(*end)
    return Message(
        en=f"{text.en} from {one.en} to {other.en}", zh=f"{text.zh}（{one.zh}至{other.zh}）"
    )


def _place(x: float, y: float) -> Message:
    return Message(en=f"E {x:.0f} N {y:.0f}", zh=f"东{x:.0f}，北{y:.0f}")


def _across(
    pieces: Pieces,
    units: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    neighbours: gpd.GeoDataFrame | None,
    *,
    options: BoundsOptions,
) -> list[_Told]:
    """Return what lies across each piece: an estate, a unit of the level, or nothing of ours."""
    step = pieces.outward * options.beyond_m
    outside = shapely.points(pieces.middle + step)
    inside = shapely.points(pieces.middle - step)
    named = estates[estates["name"].notna()] if "name" in estates else estates.iloc[:0]
    grounds = named.geometry.to_numpy()
    estate, behind = _containing(outside, grounds), _containing(inside, grounds)
    others = units if neighbours is None else neighbours
    unit = _neighbours(pieces, units, neighbours, outside)
    # Across a notch narrower than that lies the unit itself, not the outer boundary.
    lost = np.flatnonzero(unit == NOBODY)
    near = shapely.points(pieces.middle[lost] + pieces.outward[lost] * _CLOSE_M)
    unit[lost] = _neighbours(pieces.of(lost), units, neighbours, near)
    # A border through an estate is no border of that estate.
    estate[estate == behind] = NOBODY
    words = [_Told(Message(str(one), str(one))) for one in named["name"]] if len(named) else []
    lines = [
        _Told(Message(en=f"the line with {en}", zh=f"{zh}界"), with_ends=True)
        for zh, en in zip(others["name_zh"], others["name_en"], strict=True)
    ]
    return [
        words[e] if e != NOBODY else lines[u] if u != NOBODY else _OUTER
        for e, u in zip(estate, unit, strict=True)
    ]


def _neighbours(
    pieces: Pieces,
    units: gpd.GeoDataFrame,
    neighbours: gpd.GeoDataFrame | None,
    outside: Geometries,
) -> Ints:
    """Return the neighbour, or other unit of the same level, that holds what is outside a piece."""
    if neighbours is not None:
        return _containing(outside, neighbours.geometry.to_numpy())
    level, areas = units["level"].to_numpy(dtype=object), units.geometry.to_numpy()
    found = np.full(len(outside), NOBODY, dtype=np.intp)
    for one in dict.fromkeys(level):
        rows = np.flatnonzero(level == one)
        ours = np.flatnonzero(level[pieces.unit] == one)
        held = _containing(outside[ours], areas[rows])
        found[ours] = np.where(held == NOBODY, NOBODY, rows[held])
    return np.where(found == pieces.unit, NOBODY, found)


def _containing(points: Geometries, areas: Geometries) -> Ints:
    """Return the first of the areas that holds each point, `NOBODY` where none does."""
    found = np.full(len(points), NOBODY, dtype=np.intp)
    point, area = shapely.STRtree(areas).query(points, predicate="intersects")
    order = np.lexsort((area, point))
    first = order[np.unique(point[order], return_index=True)[1]]
    found[point[first]] = area[first]
    return found
