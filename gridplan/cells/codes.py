"""Codes of cells as the standards write them, and identifiers that never change."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.cells.order import reading_order
from gridplan.cells.overflow import require_capacity
from gridplan.cells.profiles import GB_T_30428, CodeProfile
from gridplan.errors import FaultList, InputError, Message, agreed, both_ids
from gridplan.geometry import GRID_M, Geometries

_UID_BYTES = 6
_DEFAULT_TARGET_M2 = 10_000.0


def assign_codes(
    cells: gpd.GeoDataFrame,
    *,
    profile: CodeProfile = GB_T_30428,
    target_m2: float = _DEFAULT_TARGET_M2,
    open_factor: float | None = None,
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
    open_factor : float or None
        How many times larger those of open land were made; None: not known.

    Returns
    -------
    Series of str named ``cell_id``
        Indexed like `cells`: the community's code and the sequence, as text.

    Raises
    ------
    InputError
        If a community's code does not have the characters the profile asks for.
    InfeasibleError
        If a community has more cells than the sequence can number. The message names
        each such community, its cells and the settings that would do.

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
    require_capacity(cells, profile=profile, target_m2=target_m2, open_factor=open_factor)
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
        code + profile.sequence(int(number)) for code, number in zip(own, sequence, strict=True)
    ]
    return pd.Series(codes, index=cells.index, name="cell_id", dtype="object")


def community_code_faults(
    community: pd.Series[str], profile: CodeProfile = GB_T_30428
) -> list[Message]:
    """
    Return what is wrong with communities' codes: they are not as the profile says.

    Place-holders have its form, too: cells are numbered inside them.

    Examples
    --------
    >>> codes = pd.Series(["C1", "320583999001"])
    >>> [fault.en.split(".")[0] for fault in community_code_faults(codes)]
    ["1 of 2 community codes does not have the 12 digits of GB/T 30428: 'C1'"]
    """
    form, words = re.compile(profile.community_pattern), profile.community_words
    known = community.fillna("").unique()
    wrong = sorted(code for code in known if not form.fullmatch(code))
    if not wrong:
        return []
    shown, shown_zh = both_ids([repr(code) for code in wrong])
    return [
        Message(
            en=f"{len(wrong)} of {len(known)} community codes {agreed(len(wrong), 'does', 'do')} "
            f"not have {words.en}: {shown}. Correct `community_id`, or choose another "
            f"[cells].code_profile.",
            zh=f"{len(known)} 个社区编码中有 {len(wrong)} 个不是{words.zh}：{shown_zh}。"
            f"请修正 `community_id`，或更换 [cells].code_profile。",
        )
    ]


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
    written = codes.astype("string")
    unnumbered = profile.community_pattern + "0" * profile.sequence_length
    zero = written.str.fullmatch(unnumbered).fillna(value=False)
    shape = written.str.fullmatch(profile.pattern).fillna(value=False) | zero
    rule = profile.words
    for bad, en, zh in (
        (empty, "are empty", "为空"),
        (~empty & ~text, "are numbers, not text", "是数值而不是文本"),
        (~empty & text & ~shape, f"do not have {rule.en}", f"不是{rule.zh}"),
        (text & zero, "have the sequence 0; it starts at 1", "顺序号为 0，应从 1 开始"),
        (~empty & codes.duplicated(keep=False), "occur more than once", "重复"),
    ):
        if bad.any():
            which, which_zh = both_ids(sorted(codes[bad].astype(str).unique()))
            faults.add(
                en=f"{int(bad.sum())} of {len(codes)} codes {en}: {which}.",
                zh=f"{len(codes)} 个编码中有 {int(bad.sum())} 个{zh}：{which_zh}。",
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


def kept_uids(cells: gpd.GeoDataFrame) -> pd.Series[str]:
    """
    Return the identifiers that cells carry in ``cell_uid``, and new ones for the others.

    A carried one stays whatever became of the cell's shape or code.

    Examples
    --------
    >>> squares = [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)]
    >>> cells = gpd.GeoDataFrame({"cell_uid": ["c0ffee", None]}, geometry=squares, crs=4549)
    >>> kept_uids(cells).str.len().tolist()
    [6, 13]
    """
    if "cell_uid" not in cells:
        return cell_uids(cells)
    carried = cells["cell_uid"].astype("object")
    fresh = carried.isna()
    found: pd.Series[str] = carried.where(
        ~fresh, cell_uids(cells[fresh], taken=set(carried[~fresh]))
    )
    return found


def _millimetre_keys(shapes: Geometries) -> list[bytes]:
    # adding 0 turns -0.0 into 0.0, which has other bytes
    rounded = shapely.transform(shapes, lambda xy: np.round(xy / GRID_M) + 0.0)
    return list(shapely.to_wkb(shapely.normalize(rounded), byte_order=1))


def _hashed(crs: str, key: bytes, attempt: int) -> str:
    text = f"{crs}|{attempt}|".encode() + key
    return "c" + hashlib.blake2b(text, digest_size=_UID_BYTES).hexdigest()
