"""Costs and weights as callers have them, read into one labelled, ordered matrix."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.errors import FaultList, Message, agreed, both_ids, counted, first_ids, ids_zh

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]
Ids = tuple[Hashable, ...]

LONG_COLUMNS = ("demand_id", "site_id", "cost_m")
"""A frame with these columns lists pairs; a pair that is absent is not allowed."""

_MATRIX_DIMENSIONS = 2
_NUMERIC = "iuf"
_METRES = Message(en="metres", zh="米")
_WEIGHTS = Message(en="weights (residents)", zh="权重，如居民数")


@dataclass(frozen=True)
class LabelledCost:
    """
    A cost matrix with its ids.

    Attributes
    ----------
    metres : ndarray, shape (n_demand, n_sites)
        Distance in metres, ``inf`` where a pair is not allowed.
    demand_ids, site_ids : tuple
        Labels of rows and columns.
    row_order : tuple of demand ids or None
        The order in which weights without labels are read; None where the cost
        has no such order (long frames).
    listed : bool
        The cost is a list of pairs, so that demand may be absent from it.
    """

    metres: Floats
    demand_ids: Ids
    site_ids: Ids
    row_order: Ids | None
    listed: bool = False


def read_cost(cost: object, faults: FaultList) -> LabelledCost | None:
    """
    Read an array, a wide frame or a long frame; None if its shape is beyond use.

    Rows and columns come out ordered by id, so that their order in the input
    decides nothing. Every fault of values or labels is added to `faults`.
    """
    if _lacks_costs(cost):
        faults.add(
            en=f"The cost has the columns demand_id and site_id of a list of pairs, but no cost_m. "
            f"A list of pairs needs {', '.join(LONG_COLUMNS)}: name the column of metres so.",
            zh=f"成本数据有点对表的字段 demand_id、site_id，但没有 cost_m。"
            f"点对表须有字段 {'、'.join(LONG_COLUMNS)}，请将距离（米）列命名为 cost_m。",
        )
        return None
    if isinstance(cost, pd.DataFrame):
        long = set(LONG_COLUMNS) <= set(cost.columns)
        labelled = _read_long(cost, faults) if long else _read_wide(cost, faults)
    elif isinstance(cost, np.ndarray) and cost.ndim == _MATRIX_DIMENSIONS:
        rows, columns = (tuple(range(count)) for count in cost.shape)
        values = as_numbers(cost, faults, "costs", "成本", names=_of_matrix(rows, columns))
        labelled = LabelledCost(values, rows, columns, row_order=rows)
    else:
        faults.add(
            en=f"The cost is a {_describe(cost)}; expected a matrix (demand by sites), or a "
            f"frame with the columns {', '.join(LONG_COLUMNS)}.",
            zh=f"成本数据为 {_describe(cost)}，应为（需求点×选址点）矩阵，或含字段 "
            f"{'、'.join(LONG_COLUMNS)} 的表。",
        )
        return None
    if labelled is None or _is_empty(labelled, faults):
        return None
    _check_values(labelled, faults)
    return _ordered(labelled)


def _lacks_costs(cost: object) -> bool:
    """Whether a frame lists pairs without what they cost."""
    ids, metres = LONG_COLUMNS[:2], LONG_COLUMNS[2]
    if not isinstance(cost, pd.DataFrame):
        return False
    return set(ids) <= set(cost.columns) and metres not in cost.columns


def _describe(thing: object) -> str:
    shape = getattr(thing, "shape", None)
    return f"{type(thing).__name__}" + (f" of shape {shape}" if shape is not None else "")


def _is_empty(labelled: LabelledCost, faults: FaultList) -> bool:
    n_demand, n_sites = labelled.metres.shape
    if n_demand and n_sites:
        return False
    faults.add(
        en=f"The cost matrix has {n_demand} demand points and {n_sites} sites; expected at "
        f"least one of each.",
        zh=f"成本矩阵有 {n_demand} 个需求点、{n_sites} 个选址点，两者都至少要有一个。",
    )
    return True


def _read_wide(cost: pd.DataFrame, faults: FaultList) -> LabelledCost | None:
    rows, columns = tuple(cost.index.tolist()), tuple(cost.columns.tolist())
    good = check_ids(rows, faults, "cost rows", "成本矩阵行")
    good &= check_ids(columns, faults, "cost columns", "成本矩阵列")
    if all(dtype.kind in _NUMERIC for dtype in cost.dtypes):
        values = cost.to_numpy(dtype="float64", na_value=np.nan)
    else:
        names = _of_matrix(rows, columns)
        values = as_numbers(cost.to_numpy(dtype="object"), faults, "costs", "成本", names=names)
    return LabelledCost(values, rows, columns, row_order=rows) if good else None


def _read_long(pairs: pd.DataFrame, faults: FaultList) -> LabelledCost | None:
    costs = as_numbers(
        pairs["cost_m"], faults, "values of cost_m", "cost_m 的值",
        names=lambda bad: _pair_names(
            pairs["demand_id"][bad].tolist(), pairs["site_id"][bad].tolist()
        ),
    )  # fmt: skip
    nameless = int((pairs["demand_id"].isna() | pairs["site_id"].isna()).sum())
    if nameless:
        faults.add(
            en=f"{nameless} of {len(pairs)} pairs {agreed(nameless, 'lacks', 'lack')} a "
            f"demand_id or site_id. Give each both.",
            zh=f"{len(pairs)} 个点对中有 {nameless} 个缺少 demand_id 或 site_id，请补全。",
        )
        return None
    twice = pairs.duplicated(["demand_id", "site_id"])
    if twice.any():
        names = _pair_names(pairs.loc[twice, "demand_id"], pairs.loc[twice, "site_id"])
        faults.add(
            en=f"{int(twice.sum())} of {len(pairs)} pairs "
            f"{agreed(int(twice.sum()), 'occurs', 'occur')} more than once: "
            f"{first_ids(names)}. Keep one cost per pair.",
            zh=f"{len(pairs)} 个点对中有 {int(twice.sum())} 个重复：{ids_zh(names)}。"
            f"每个点对只保留一个成本。",
        )
    row, rows = _numbered(pairs["demand_id"])
    column, columns = _numbered(pairs["site_id"])
    # Filled in order: a large matrix that is sorted afterwards stands in memory twice.
    values = np.full((len(rows), len(columns)), np.inf)
    values[row, column] = costs
    return LabelledCost(values, rows, columns, None, listed=True)


def _numbered(labels: pd.Series[str]) -> tuple[Positions, Ids]:
    """Return the number of each label among the different ones in order, and those."""
    code, found = pd.factorize(labels)
    ids = tuple(in_order(found.tolist()))
    number = {one: at for at, one in enumerate(ids)}
    rank = np.array([number[one] for one in found.tolist()], dtype=np.intp)
    return rank[code], ids


def _pair_names(demand: Sequence[Hashable], site: Sequence[Hashable]) -> list[str]:
    return [f"{i} → {j}" for i, j in zip(demand, site, strict=True)]


def _of_matrix(rows: Ids, columns: Ids) -> Callable[[Flags], list[str]]:
    """Return what names the pairs of some entries of a matrix."""

    def named(bad: Flags) -> list[str]:
        row, column = np.nonzero(bad)
        return _pair_names([rows[i] for i in row], [columns[j] for j in column])

    return named


def check_ids(ids: Sequence[Hashable], faults: FaultList, en: str, zh: str) -> bool:
    """Add a fault for ids that are missing or repeated; True if there is none."""
    labels = pd.Series(list(ids), dtype="object")
    missing = int(labels.isna().sum())
    if missing:
        faults.add(
            en=f"{missing} of {len(ids)} {en} {agreed(missing, 'has', 'have')} no id. Give "
            f"each an id.",
            zh=f"{len(ids)} 个{zh}中有 {missing} 个没有编号，请补全。",
        )
    twice = labels[labels.duplicated() & labels.notna()].drop_duplicates().tolist()
    if twice:
        faults.add(
            en=f"{counted(len(twice), 'id', 'ids')} of {en} "
            f"{agreed(len(twice), 'occurs', 'occur')} more than once: "
            f"{first_ids(in_order(twice))}. Ids must be unique.",
            zh=f"{zh}中有 {len(twice)} 个编号重复：{ids_zh(in_order(twice))}。编号必须唯一。",
        )
    return not missing and not twice


def as_numbers(
    values: npt.NDArray[np.generic] | pd.Series[float],
    faults: FaultList,
    en: str,
    zh: str,
    *,
    names: Callable[[Flags], Sequence[object]] | None = None,
    unit: Message = _METRES,
) -> Floats:
    """
    Return float64 values; those that are no numbers become 0 and are counted in a fault.

    `names` says what the bad ones belong to; of a Series without it, its index does.
    """
    array = values.to_numpy() if isinstance(values, pd.Series) else values
    kind = values.dtype.kind
    if kind in _NUMERIC:
        if isinstance(values, pd.Series):
            return np.asarray(values.to_numpy(dtype="float64", na_value=np.nan), np.float64)
        return array.astype(np.float64)
    objects = array.astype(object)
    null = np.asarray(pd.isna(objects), dtype=np.bool_)
    number = np.frompyfunc(is_number, 1, 1)(objects).astype(np.bool_)
    bad = ~number & ~null
    if bad.any():
        count, which = int(bad.sum()), first_ids(_found(values, objects, bad, names))
        faults.add(
            en=f"{count} of {objects.size} {en} {agreed(count, 'is no number', 'are no numbers')}: "
            f"{which}. Give {unit.en} as numbers.",
            zh=f"{objects.size} 个{zh}中有 {count} 个不是数字：{which}。请填写数字（{unit.zh}）。",
        )
    numbers: Floats = np.where(number, objects, np.where(null, np.nan, 0.0)).astype(np.float64)
    return numbers


def _found(
    values: npt.NDArray[np.generic] | pd.Series[float],
    objects: npt.NDArray[np.object_],
    bad: Flags,
    names: Callable[[Flags], Sequence[object]] | None,
) -> list[str]:
    """Return bad values beside what they belong to, as far as that is known."""
    found = [str(one) for one in objects[bad].tolist()]
    if names is None and isinstance(values, pd.Series):
        owners: Sequence[object] = values.index[bad].tolist()
    elif names is not None:
        owners = names(bad)
    else:
        return found
    return [f"{owner} = {value}" for owner, value in zip(owners, found, strict=True)]


def is_number(value: object) -> bool:
    """Whether a value is a number; a flag is none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _check_values(labelled: LabelledCost, faults: FaultList) -> None:
    for bad, en, zh, hint_en, hint_zh in (
        (
            np.isnan(labelled.metres),
            "missing (NaN)",
            "缺失（NaN）",
            "Write inf where a pair is not allowed",
            "不允许的点对请写 inf",
        ),
        (
            labelled.metres < 0,
            "negative",
            "负数",
            "Distances are 0 or more",
            "距离不能小于 0",
        ),
    ):
        if bad.any():
            rows, columns = np.nonzero(bad)
            names = _pair_names(
                [labelled.demand_ids[i] for i in rows], [labelled.site_ids[j] for j in columns]
            )
            which, which_zh = both_ids(names)
            faults.add(
                en=f"{len(names)} of {bad.size} costs {agreed(len(names), 'is', 'are')} {en}: "
                f"{which}. {hint_en}.",
                zh=f"{bad.size} 个成本中有 {len(names)} 个为{zh}：{which_zh}。{hint_zh}。",
            )


def _sort_key(label: Hashable) -> tuple[bool, float, str]:
    whole = isinstance(label, int)
    return (not whole, float(label) if isinstance(label, int) else 0.0, str(label))


def in_order(ids: Sequence[Hashable]) -> list[Hashable]:
    """Return ids in order: whole numbers by value, then everything else as text."""
    return sorted(ids, key=_sort_key)


def _ordered(labelled: LabelledCost) -> LabelledCost:
    rows, columns = in_order(labelled.demand_ids), in_order(labelled.site_ids)
    metres = labelled.metres
    if (tuple(rows), tuple(columns)) != (labelled.demand_ids, labelled.site_ids):
        row_at = {one: at for at, one in enumerate(labelled.demand_ids)}
        column_at = {one: at for at, one in enumerate(labelled.site_ids)}
        metres = metres[np.ix_([row_at[i] for i in rows], [column_at[j] for j in columns])]
    return LabelledCost(metres, tuple(rows), tuple(columns), labelled.row_order, labelled.listed)


def with_weights(
    labelled: LabelledCost, weights: object, faults: FaultList
) -> tuple[LabelledCost, Floats] | None:
    """
    Return the cost and its weights in the cost's order; None if labels do not match.

    A Series is matched by label. Weights without labels are in the row order of
    a matrix. Demand that only the weights name is added to a list of pairs as
    demand that no site reaches.
    """
    if isinstance(weights, pd.Series):
        return _by_label(labelled, weights, faults)
    if not isinstance(weights, np.ndarray) or labelled.row_order is None:
        faults.add(
            en=f"The weights are a {_describe(weights)}; expected a Series by demand id"
            + (" (a list of pairs has no row order)." if labelled.listed else ", or an array."),
            zh=f"权重为 {_describe(weights)}，应为以 demand_id 为索引的 Series"
            + ("（点对表没有行序）。" if labelled.listed else "，或数组。"),
        )
        return None
    if weights.shape != (len(labelled.row_order),):
        faults.add(
            en=f"The weights have the shape {weights.shape}; expected one for each of the "
            f"{len(labelled.row_order)} demand points.",
            zh=f"权重的形状为 {weights.shape}，应与 {len(labelled.row_order)} 个需求点一一对应。",
        )
        return None
    owners = labelled.row_order
    numbers = as_numbers(
        weights,
        faults,
        "weights",
        "权重",
        unit=_WEIGHTS,
        names=lambda bad: [owners[at] for at in np.nonzero(bad)[0]],
    )
    return _by_label(labelled, pd.Series(numbers, index=list(labelled.row_order)), faults)


def _by_label(
    labelled: LabelledCost, weights: pd.Series[float], faults: FaultList
) -> tuple[LabelledCost, Floats] | None:
    ids = tuple(weights.index.tolist())
    if not check_ids(ids, faults, "weights", "权重"):
        return None
    values = as_numbers(weights, faults, "weights", "权重", unit=_WEIGHTS)
    numbers = dict(zip(ids, values, strict=True))
    known = set(labelled.demand_ids)
    only_weights = in_order([one for one in ids if one not in known])
    if labelled.listed:
        labelled, only_weights = _with_absent(labelled, only_weights), []
    only_cost = [one for one in labelled.demand_ids if one not in numbers]
    for extra, en, zh in (
        (
            only_cost,
            ("in the cost has no weight", "in the cost have no weight"),
            "在成本中有而权重中没有",
        ),
        (
            only_weights,
            ("has a weight but no cost", "have a weight but no cost"),
            "有权重而成本中没有",
        ),
    ):
        if extra:
            faults.add(
                en=f"{counted(len(extra), f'demand id {en[0]}', f'demand ids {en[1]}')}: "
                f"{first_ids(extra)}. Both need the same ids.",
                zh=f"{len(extra)} 个需求点{zh}：{ids_zh(extra)}。两者编号必须一致。",
            )
    if only_cost or only_weights:
        return None
    array = np.array([numbers[one] for one in labelled.demand_ids])
    _check_weights(array, labelled.demand_ids, faults)
    return labelled, array


def _with_absent(labelled: LabelledCost, absent: Sequence[Hashable]) -> LabelledCost:
    if not absent:
        return labelled
    nothing = np.full((len(absent), len(labelled.site_ids)), np.inf)
    values = np.vstack([labelled.metres, nothing])
    rows = (*labelled.demand_ids, *absent)
    return _ordered(LabelledCost(values, rows, labelled.site_ids, None, listed=True))


def _check_weights(weights: Floats, ids: Ids, faults: FaultList) -> None:
    for bad, en, zh in (
        (np.isnan(weights), "missing (NaN)", "缺失（NaN）"),
        (weights < 0, "negative", "负数"),
        (np.isposinf(weights), "infinite", "无穷大"),
    ):
        if bad.any():
            which, which_zh = both_ids([ids[at] for at in np.nonzero(bad)[0]])
            faults.add(
                en=f"{int(bad.sum())} of {len(ids)} weights {agreed(int(bad.sum()), 'is', 'are')} "
                f"{en}: {which}. "
                f"Weights are 0 or more; leave out no demand, give it 0.",
                zh=f"{len(ids)} 个权重中有 {int(bad.sum())} 个为{zh}：{which_zh}。"
                f"权重不能小于 0；不计的需求点请填 0。",
            )
