"""What floor areas rule out by sums and flows alone, before any search for a plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

from gridplan.errors import Message, counted, first_ids, ids_zh
from gridplan.rooms.question import Flags, Floats, Positions, RoomQuestion
from gridplan.rooms.space import Space

# Sums of capacities that are enough but for rounding.
_FITS = 1.0 + 1e-9
# Flows are counted in whole numbers: parts of a household, as fine as 32 bits allow.
_FINEST, _LARGEST = 1_000.0, 1e9


@dataclass(frozen=True)
class SpaceNeeds:
    """
    What is needed at least, whatever the walks.

    Attributes
    ----------
    rooms : int or None
        New rooms without which the households do not fit, required ones included; None where
        no number is enough.
    why : Message or None
        Why a number of rooms below, or any number, is too small; None where it is not.
    """

    rooms: int | None
    why: Message | None


def space_needs(question: RoomQuestion, space: Space, p_new: int) -> SpaceNeeds:
    """
    Compare the households with what the places in their reach hold.

    Necessary, not sufficient: homes may be divided here, and go to any place in reach. On each
    connected part of homes and places, those open today and the largest that may be opened have
    to hold all households; and with all of them open, a flow has to bring every household to a
    place in its reach [1]_.

    References
    ----------
    .. [1] Ford, L. R. and Fulkerson, D. R. (1956). Maximal flow through a network. *Canadian
       Journal of Mathematics*, 8, 399-404. https://doi.org/10.4153/CJM-1956-045-5
    """
    if not p_new:
        # Who is served by today's places alone is another question.
        return SpaceNeeds(0, None)
    may = np.union1d(question.fixed, question.free)
    reach = np.isfinite(question.metres[:, may])
    homes = np.flatnonzero(reach.any(axis=1) & (question.residents > 0))
    holds = space.holds().to_numpy(dtype=float)[may]
    sets, which = np.unique(np.packbits(reach[homes], axis=1), axis=0, return_inverse=True)
    which = which.ravel()
    load = np.bincount(which, space.households[homes], minlength=len(sets)).astype(np.float64)
    near = np.unpackbits(sets, axis=1, count=len(may)).astype(np.bool_)
    cut = _short(near, load, holds)
    if cut is not None:
        places = near[cut].any(axis=0)
        homes_cut = int(np.isin(which, cut).sum())
        told = _cut_told(homes_cut, load[cut], question.names(may[places]), holds[places])
        return SpaceNeeds(None, told)
    standing = np.isin(may, np.union1d(question.fixed, question.at(question.required)))
    rooms = len(question.required) + _rooms(near, load, holds, standing)
    if rooms <= p_new:
        return SpaceNeeds(rooms, None)
    return SpaceNeeds(rooms, _rooms_told(float(load.sum()), rooms, p_new))


def _short(near: Flags, load: Floats, holds: Floats) -> Positions | None:
    """Return sets of homes that have more households than all places in their reach; or None."""
    total = math.fsum(load)
    if not total:
        return None
    scale = min(_FINEST, _LARGEST / total)
    asked = np.floor(load * scale).astype(np.int32)
    room = np.ceil(np.minimum(holds, 2.0 * total) * scale * _FITS).astype(np.int32)
    n, m = near.shape
    group, place = np.nonzero(near)
    begin = np.concatenate([np.zeros(n, dtype=np.intp), 1 + group, 1 + n + np.arange(m)])
    end = np.concatenate([1 + np.arange(n), 1 + n + place, np.full(m, 1 + n + m)])
    most = np.concatenate([asked, asked[group], room])
    size = n + m + 2
    graph = csr_array((most, (begin, end)), shape=(size, size))
    found = maximum_flow(graph, 0, size - 1)
    if found.flow_value >= int(asked.sum()):
        return None
    left = csr_array(graph - found.flow)
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached = breadth_first_order(left, 0, return_predecessors=False)
    cut = np.sort(reached[(reached >= 1) & (reached <= n)]) - 1
    # Exact sums decide; the flow only says where to look.
    held = math.fsum(holds[near[cut].any(axis=0)])
    return cut if len(cut) and math.fsum(load[cut]) > held * _FITS else None


def left_over(near: Flags, load: Floats, holds: Floats) -> float:
    """
    Return how many households no assignment has room for, at least; 0 where none is known of.

    Parameters
    ----------
    near : bool array, shape (n_homes, n_places)
        Places that each home may be given.
    load : float array, shape (n_homes,)
        Households.
    holds : float array, shape (n_places,)
        Households; ``inf`` for no limit.

    Examples
    --------
    >>> near = np.array([[True, False], [True, True]])
    >>> left_over(near, np.array([30.0, 20.0]), np.array([25.0, 50.0]))
    5.0
    """
    if not len(load):
        return 0.0
    sets, which = np.unique(np.packbits(near, axis=1), axis=0, return_inverse=True)
    asked = np.bincount(which.ravel(), load, minlength=len(sets)).astype(np.float64)
    groups = np.unpackbits(sets, axis=1, count=near.shape[1]).astype(np.bool_)
    cut = _short(groups, asked, holds)
    if cut is None:
        return 0.0
    return math.fsum(asked[cut]) - math.fsum(holds[groups[cut].any(axis=0)])


def _rooms(near: Flags, load: Floats, holds: Floats, standing: Flags) -> int:
    """Return how many rooms have to be opened beside those that stand, summed over the parts."""
    n, m = near.shape
    group, place = np.nonzero(near)
    joined = csr_array((np.ones(len(group)), (group, n + place)), shape=(n + m, n + m))
    _, part = connected_components(joined, directed=False)
    rooms = 0
    for one in np.unique(part[:n]):
        within = part[n:] == one
        asked = math.fsum(load[part[:n] == one])
        largest = np.sort(holds[within & ~standing])[::-1]
        held = math.fsum(holds[within & standing]) + np.concatenate([[0.0], np.cumsum(largest)])
        enough = np.flatnonzero(held * _FITS >= asked)
        # A flow has shown that all places of the part are enough, but for rounding.
        rooms += int(enough[0]) if len(enough) else len(largest)
    return rooms


def _rooms_told(households: float, rooms: int, p_new: int) -> Message:
    return Message(
        en=f'[siting].capacity = "hard": {households:,.0f} households ask for a room. Even the '
        f"largest sites on each part of the walking network hold them only with {rooms} new rooms "
        f"or more, and not with {p_new}.",
        zh=f'[siting].capacity = "hard"：共有 {households:,.0f} 户需要活动室。即使各片步行路网都'
        f"选用面积最大的场地，也至少需新增 {rooms} 处，{p_new} 处不够。",
    )


def _cut_told(homes: int, load: Floats, places: tuple[str, ...], holds: Floats) -> Message:
    return Message(
        en=f'[siting].capacity = "hard": {counted(homes, "home", "homes")} with '
        f"{math.fsum(load):,.0f} households reach only {counted(len(places), 'place', 'places')} "
        f"({first_ids(places)}), which hold {math.fsum(holds):,.0f}. No number of rooms helps: "
        f"give larger rooms or more sites there.",
        zh=f'[siting].capacity = "hard"：有 {homes} 处住房（{math.fsum(load):,.0f} 户）只能到达 '
        f"{len(places)} 处场所（{ids_zh(places)}），合计只能容纳 {math.fsum(holds):,.0f} 户。"
        f"增加活动室数量无济于事，请在当地扩大面积或增加场地。",
    )
