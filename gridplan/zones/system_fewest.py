"""How many zones must be beyond what is allowed, by the counts that the verifier makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.verify.zone_allowed import held_by
from gridplan.verify.zone_groups import cells_asked, fewest_of_body
from gridplan.zones.contiguity import Contiguity, Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_asked import Asked
from gridplan.zones.system_notes import CutOff, Fewest
from gridplan.zones.system_options import SystemOptions

_ROUNDING = 1e-9


def fewest_beyond(
    asked: Asked, zone: Ints, options: SystemOptions, *, across: Ints
) -> tuple[Fewest, ...]:
    """
    Return the land of which zones, as many as there are, must be beyond what is allowed.

    A run says no more than `gridplan check` will find, and no less: the count is the verifier's
    own, on the borders as this package reads them.

    Parameters
    ----------
    asked : Asked
    zone : array of int, shape (units,)
    options : SystemOptions
    across : array of int
        Zones that do not hang together over land: where they are, all that touches may.
    """
    body = asked.ground.body[asked.ground.unit]
    own = zone[asked.ground.unit]
    home = body[np.unique(own, return_index=True)[1]]
    names = asked.own["community_id"] if options.nest == "inside" else None
    found = []
    for weight, off in _beyond(asked, own):
        for one in np.unique(home[off]).tolist():
            at, zones = np.flatnonzero(body == one), np.flatnonzero(home == one)
            open_ = not np.isin(across, zones).any()
            sizes = None if weight or options.band is not None else options.sizes
            count, normed = _count(asked, at, own[at], weight, open_=open_, sizes=sizes)
            if count:
                name = "" if names is None else str(names.iloc[int(at[0])])
                most = min(count, int(off[zones].sum()))
                found.append(Fewest(name, len(zones), most, weight, normed))
    return tuple(sorted(found, key=lambda one: (one.weight, one.name)))


def kept_beyond(
    asked: Asked, zone: Ints, names: list[str], land: Sequence[CutOff]
) -> dict[int, dict[str, str]]:
    """
    Return, by weight and zone beyond what is allowed of it, the one thing that keeps it so.

    A cell too large; or the lightest estate or cell that would be too much to give (−) or to
    take (+), as the verifier finds it. Zones on land that no number of zones fits have that as
    their reason.
    """
    found = {}
    for weight, _ in _beyond(asked, zone[asked.ground.unit]):
        held = _kept_beyond(asked, zone, names, weight)
        cut = {name for one in land if one.weight == weight for name in one.zones}
        found[weight] = {name: text for name, text in held.items() if name not in cut}
    return found


def _kept_beyond(asked: Asked, zone: Ints, names: list[str], weight: int) -> dict[str, str]:
    own, unit = asked.own, asked.ground.unit
    of_cell, body = zone[unit], asked.ground.body[unit]
    label = np.array(names, dtype=object)
    cells = pd.DataFrame({
        "zone_id": label[of_cell],
        "cell": own["cell_uid"].to_numpy(dtype=str),
        "estate": _estates(asked, np.arange(len(own))),
        "cell_load": asked.ground.loads.iloc[:, weight].to_numpy(dtype=np.float64),
    })  # fmt: skip
    home = body[np.unique(of_cell, return_index=True)[1]]
    least, most = asked.aims.least[:, weight], asked.aims.most[:, weight]
    bounds = pd.DataFrame({"least": least, "most": most, "body": home}, index=label)
    graph = asked.ground.cells.graph

    def touching() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        ends = zip(of_cell[graph.left].tolist(), of_cell[graph.right].tolist(), strict=True)
        for a, b in ends:
            if a != b:
                found.setdefault(names[a], set()).add(names[b])
                found.setdefault(names[b], set()).add(names[a])
        return found

    return held_by(cells, bounds, touching)


def _estates(asked: Asked, at: Ints) -> npt.NDArray[np.object_]:
    """Return the estate of some cells that stays whole, None for none."""
    if asked.rules.estates is None:
        return np.full(len(at), None, dtype=object)
    named = asked.own[asked.rules.estates].iloc[at]
    return np.array(named.astype(object).where(named.notna(), None), dtype=object)


def _beyond(asked: Asked, own: Ints) -> Iterator[tuple[int, Flags]]:
    """Yield each weight with the zones that are beyond by it, if any are."""
    aims = asked.aims
    for weight, values in enumerate(asked.ground.loads.to_numpy(dtype=np.float64).T):
        load = np.bincount(own, weights=values, minlength=len(aims.most))
        slack = _ROUNDING * aims.most[:, weight]
        least, most = aims.least[:, weight] - slack, aims.most[:, weight] + slack
        off: Flags = (load < least) | (load > most)
        if off.any():
            yield weight, off


def _count(
    asked: Asked,
    at: Ints,
    zone: Ints,
    weight: int,
    *,
    open_: bool,
    sizes: tuple[float, float] | None,
) -> tuple[int, bool]:
    """Return how many zones of a community must be beyond, and if by the norm's numbers alone."""
    rules, aims = asked.rules, asked.aims
    estate = _estates(asked, at)
    load = asked.ground.loads.iloc[:, weight].to_numpy(dtype=np.float64)[at]
    zones = np.unique(zone)
    bounds = float(aims.least[zones, weight].min()), float(aims.most[zones, weight].max())
    graph = asked.ground.cells.graph
    pairs = _within(graph, at)
    over_land = _within(_open(asked), at) if open_ and rules.parted is not None else None
    return fewest_of_body(
        cells_asked(load, estate, bounds, zone.astype(object), sizes=sizes), pairs, over_land
    )


def _within(graph: Contiguity, at: Ints) -> tuple[Ints, Ints]:
    """Return the pairs of some cells, by their place among these."""
    place = np.full(graph.count, -1, dtype=np.intp)
    place[at] = np.arange(len(at))
    left, right = place[graph.left], place[graph.right]
    inside = (left >= 0) & (right >= 0)
    return left[inside], right[inside]


def _open(asked: Asked) -> Contiguity:
    """Return the graph of what may hang together over land, by whichever bridges zones use."""
    graph, parted, bridges = asked.ground.cells.graph, asked.rules.parted, asked.rules.bridges
    if parted is None:
        return graph
    if bridges is not None and len(bridges.cell):
        return bridges.over_land(graph, parted)
    return Contiguity(graph.left[~parted], graph.right[~parted], graph.border_m[~parted],
                      graph.count)  # fmt: skip
