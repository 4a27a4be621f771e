"""Codes of cells as the standards write them, and identifiers that never change."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.cells.order import reading_order
from gridplan.errors import FaultList, InfeasibleError, InputError, Message, first_ids
from gridplan.geometry import GRID_M, Geometries

_UID_BYTES = 6
_ROUND_UP_M2 = 100
_SAFETY = 1.05
_DEFAULT_TARGET_M2 = 10_000.0
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class CodeProfile:
    """
    How a standard builds the code of a cell.

    Attributes
    ----------
    name : str
        The standard, as written on its cover.
    parts : tuple of (str, int)
        Name and number of characters of each part; the last is the sequence inside a
        community, all before it are the community's own code.
    """

    name: str
    parts: tuple[tuple[str, int], ...]

    @property
    def length(self) -> int:
        """Number of characters of a code."""
        return sum(width for _, width in self.parts)

    @property
    def community_length(self) -> int:
        """Number of characters of a community's code."""
        return self.length - self.sequence_length

    @property
    def sequence_length(self) -> int:
        """Number of digits of the sequence."""
        return self.parts[-1][1]

    @property
    def capacity(self) -> int:
        """How many cells one community can hold; the sequence starts at 1."""
        return int(10**self.sequence_length) - 1


GB_T_30428 = CodeProfile(
    name="GB/T 30428",
    parts=(("county", 6), ("street", 3), ("community", 3), ("sequence", 3)),
)
"""15 digits: 6 county, 3 street or town, 3 community, 3 sequence."""


def assign_codes(
    cells: gpd.GeoDataFrame,
    *,
    profile: CodeProfile = GB_T_30428,
    target_m2: float = _DEFAULT_TARGET_M2,
) -> pd.Series[str]:
    """
    Return the code of each cell, numbered row by row from the north-west.

    The standard asks for a sequence from west to east and north to south inside one
    community. A row is a band between two multiples of the side of a square of
    `target_m2`, to which a cell belongs by its centroid; inside a row the centroids
    run from west to east.

    Parameters
    ----------
    cells : GeoDataFrame
        ``community_id`` (the community's code, text) and geometry.
    profile : CodeProfile
    target_m2 : float
        The area the cells were made for.

    Returns
    -------
    Series of str named ``cell_id``
        Indexed like `cells`: the community's code and the sequence, as text.

    Raises
    ------
    InputError
        If a community's code does not have the digits the profile asks for.
    InfeasibleError
        If a community has more cells than the sequence can number. The message names
        each such community, its cells and the target area that would do.

    Examples
    --------
    >>> squares = [shapely.box(x, y, x + 100, y + 100) for x, y in [(0, 0), (100, 100), (0, 100)]]
    >>> cells = gpd.GeoDataFrame({"community_id": ["320583999001"] * 3}, geometry=squares)
    >>> assign_codes(cells).tolist()
    ['320583999001003', '320583999001002', '320583999001001']
    """
    community = cells["community_id"].astype("string")
    found = community_code_faults(community, profile)
    if found:
        raise InputError(*found)
    _require_capacity(cells, community, profile, target_m2)
    shapes = cells.geometry.to_numpy()
    centroids = shapely.centroid(shapes)
    order = reading_order(
        shapely.get_x(centroids),
        shapely.get_y(centroids),
        row_height_m=math.sqrt(target_m2),
        ties=shapely.to_wkb(shapely.normalize(shapes)),
    )
    own = community.to_numpy(dtype=object)
    sequence = np.empty(len(own), dtype=np.intp)
    sequence[order] = pd.Series(own[order]).groupby(own[order]).cumcount() + 1
    codes = [
        f"{code}{number:0{profile.sequence_length}d}"
        for code, number in zip(own, sequence, strict=True)
    ]
    return pd.Series(codes, index=cells.index, name="cell_id", dtype="object")


def community_code_faults(
    community: pd.Series[str], profile: CodeProfile = GB_T_30428
) -> list[Message]:
    """
    Return what is wrong with communities' codes: the profile's digits are missing.

    Place-holders have the digits, too: cells are numbered inside them.

    Examples
    --------
    >>> codes = pd.Series(["C1", "320583999001"])
    >>> [fault.en.split(".")[0] for fault in community_code_faults(codes)]
    ["1 of 2 community codes do not have the 12 digits of GB/T 30428: 'C1'"]
    """
    expected = profile.community_length
    known = community.fillna("").unique()
    wrong = sorted(code for code in known if len(code) != expected or set(code) - set(_DIGITS))
    if not wrong:
        return []
    shown = first_ids([repr(code) for code in wrong])
    return [
        Message(
            en=f"{len(wrong)} of {len(known)} community codes do not have the {expected} "
            f"digits of {profile.name}: {shown}. Correct `community_id`.",
            zh=f"{len(known)} 个社区编码中有 {len(wrong)} 个不是 {profile.name} 规定的 "
            f"{expected} 位数字：{shown}。请修正 `community_id`。",
        )
    ]


def _require_capacity(
    cells: gpd.GeoDataFrame, community: pd.Series[str], profile: CodeProfile, target_m2: float
) -> None:
    faults = FaultList()
    own = community.to_numpy(dtype=object)
    areas = pd.Series(shapely.area(cells.geometry.to_numpy()), dtype="float64").groupby(own)
    for code, area_m2 in areas:
        count = len(area_m2)
        if count <= profile.capacity:
            continue
        enough = _sufficient_target(count, float(area_m2.sum()), profile.capacity, target_m2)
        faults.add(
            en=f"Community {code} has {count} cells; {profile.name} numbers at most "
            f"{profile.capacity} in one community. A `target_m2` of about {enough:,} would do, "
            f"or divide the community.",
            zh=f"社区 {code} 有 {count} 个单元网格，{profile.name} 每个社区最多编号 "
            f"{profile.capacity} 个。将 `target_m2` 调到约 {enough:,} 即可，或拆分该社区。",
        )
    faults.raise_if_any(InfeasibleError)


def _sufficient_target(count: int, area_m2: float, capacity: int, target_m2: float) -> int:
    """
    Return the target area that brings `count` cells down to `capacity`, rounded up.

    A community of area A holds about A / t cells inside and e / √t along its rim; the
    two terms are fitted to the count at the present target and solved for `capacity`;
    where lattice and rim meet by chance, a little more is needed.
    """
    inside = min(area_m2 / target_m2, float(count))
    rim = count - inside
    root = (-rim + math.sqrt(rim**2 + 4 * inside * capacity)) / (2 * inside)
    return math.ceil(_SAFETY * target_m2 / root**2 / _ROUND_UP_M2) * _ROUND_UP_M2


def code_faults(codes: pd.Series[str], profile: CodeProfile = GB_T_30428) -> list[Message]:
    """
    Return what is wrong with cell codes: empty, malformed, sequence 0, repeated.

    Parameters
    ----------
    codes : Series of str
        One code per cell. Numbers are faults too: Excel rounds them.

    Examples
    --------
    >>> good = pd.Series(["320583999001001", "320583999001002"])
    >>> code_faults(good)
    []
    >>> [fault.en for fault in code_faults(good.str[1:])]
    ['2 of 2 codes do not have the 15 digits of GB/T 30428: 20583999001001, 20583999001002.']
    """
    faults = FaultList()
    empty = codes.isna() | (codes.astype("string").fillna("") == "")
    text = codes.map(lambda code: isinstance(code, str)).astype(bool)
    shape = codes.astype("string").str.fullmatch(rf"[0-9]{{{profile.length}}}").fillna(value=False)
    last = codes.astype("string").str[-profile.sequence_length :]
    zero = shape & (last == "0" * profile.sequence_length).fillna(value=False)
    rule = f"{profile.length} digits of {profile.name}"
    rule_zh = f"{profile.name} 规定的 {profile.length} 位数字"
    for bad, en, zh in (
        (empty, "are empty", "为空"),
        (~empty & ~text, "are numbers, not text", "是数值而不是文本"),
        (~empty & text & ~shape, f"do not have the {rule}", f"不是{rule_zh}"),
        (text & zero, "have the sequence 0; it starts at 1", "顺序号为 0，应从 1 开始"),
        (~empty & codes.duplicated(keep=False), "occur more than once", "重复"),
    ):
        if bad.any():
            which = first_ids(sorted(codes[bad].astype(str).unique()))
            faults.add(
                en=f"{int(bad.sum())} of {len(codes)} codes {en}: {which}.",
                zh=f"{len(codes)} 个编码中有 {int(bad.sum())} 个{zh}：{which}。",
            )
    return faults.faults


def cell_uids(cells: gpd.GeoDataFrame, *, taken: Collection[str] = ()) -> pd.Series[str]:
    """
    Return an identifier for each cell that is never reused and says nothing about it.

    It is ``c`` and twelve hexadecimal digits of a hash of the CRS and the geometry on
    the 1 mm grid. So the same cell has the same identifier in every run and on every
    machine, cells of two places do not share one by counting from 1 alike, and
    nothing that may change later (community, code, zone, position in a table) is in
    it. Once given, an identifier is kept with the cell, also when its geometry is
    mended; it is not computed again.

    Parameters
    ----------
    cells : GeoDataFrame
    taken : collection of str
        Identifiers in use or retired. A cell that would get one of them, such as new
        land on the place of a retired cell, gets the next hash instead.

    Returns
    -------
    Series of str named ``cell_uid``
        Indexed like `cells`; unique.
    """
    shapes = cells.geometry.to_numpy()
    crs = "" if cells.crs is None else cells.crs.to_string()
    keys = _millimetre_keys(shapes)
    used = set(taken)
    uids = np.empty(len(keys), dtype=object)
    for place in sorted(range(len(keys)), key=keys.__getitem__):
        attempt = 0
        while (uid := _hashed(crs, keys[place], attempt)) in used:
            attempt += 1
        used.add(uid)
        uids[place] = uid
    return pd.Series(uids, index=cells.index, name="cell_uid", dtype="object")


def _millimetre_keys(shapes: Geometries) -> list[bytes]:
    # adding 0 turns -0.0 into 0.0, which has other bytes
    rounded = shapely.transform(shapes, lambda xy: np.round(xy / GRID_M) + 0.0)
    return list(shapely.to_wkb(shapely.normalize(rounded), byte_order=1))


def _hashed(crs: str, key: bytes, attempt: int) -> str:
    text = f"{crs}|{attempt}|".encode() + key
    return "c" + hashlib.blake2b(text, digest_size=_UID_BYTES).hexdigest()
