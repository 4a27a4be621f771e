"""Connected new zones under which the least changes hands."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from gridplan.geometry import GRID_M, Floats
from gridplan.unify.claims import Claims, Ints, change_cost, successors, total_cost
from gridplan.unify.joining import joined_zones
from gridplan.unify.options import UnifyOptions
from gridplan.zones.contiguity import Contiguity
from gridplan.zones.land import Land, zone_sums
from gridplan.zones.zoning import Goal, Zoning

_NONE = -1
_ROUNDS = 8
"""Names and borders are settled in turn; each turn is at least as good as the one before."""
_ENOUGH = 1e-4
"""A turn that betters less than this share of the cost is the last."""
_WARM, _HOT, _COLD = 0.2, 1.0, 0.01
"""First temperature, without a tolerance and with one, and the last, in what an average cell that
changes hands costs."""
_BEYOND = 1e3
"""A zone outside the tolerance costs more than whatever changes hands in a cell."""
_DECIMALS = 9
_EQUAL, _PASSES = 1e-9, 20
"""Costs that are the same, and times that borders are straightened."""


@dataclass(frozen=True)
class Draft:
    """
    New zones of the cells, and what they cost.

    Attributes
    ----------
    label : array of int, shape (n,)
        0 to k - 1.
    k : int
    carried : list of array of int, shape (k,)
        As `successors` returns them.
    cost : float
        Mass that changes hands, by the weights of the departments.
    excess : float
        How far zones are beyond the tolerance, in tolerances; 0 without one.
    """

    label: Ints
    k: int
    carried: list[Ints]
    cost: float
    excess: float

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller is better."""
        return round(self.excess, _DECIMALS), round(self.cost, _DECIMALS)


def settled(
    claims: Claims, land: Land, piece: Ints, label: Ints, options: UnifyOptions
) -> tuple[Draft, Draft]:
    """
    Return connected zones made of a division of the cells, as it is and improved.

    Parameters
    ----------
    claims : Claims
    land : Land
        With residents as the load.
    piece : array of int, shape (n,)
        Connected land that each cell lies in; a zone lies in one.
    label : array of int, shape (n,)
        Division to begin with; -1 where nothing is said.
    options : UnifyOptions

    Returns
    -------
    Draft, Draft
        The division made connected, and the best that was found from it.
    """
    first = draft_of(claims, land, one_piece_each(claims, land.graph, piece, label), options)
    best = first
    for number in range(_ROUNDS):
        cost = change_cost(claims, best.carried)
        better = _joined(claims, land, piece, _cheapest(cost, best.label), cost, options)
        least = math.fsum(cost.min(axis=1))
        if better.rank >= best.rank and (best.excess > 0 or best.cost > least * (1 + _ENOUGH)):
            # Only here does it matter that zones are connected, or balanced.
            rng = np.random.default_rng([options.seed, number])
            better = _searched(claims, land, best, cost, options, rng)
        if better.rank >= best.rank:
            break
        enough = better.excess == best.excess and best.cost - better.cost <= _ENOUGH * best.cost
        best = better
        if enough:
            break
    return first, _straightened(claims, land, piece, best, options)


def _joined(
    claims: Claims, land: Land, piece: Ints, label: Ints, cost: Floats, options: UnifyOptions
) -> Draft:
    """Return connected zones near a division: parts are given away, or joined to the rest."""

    def made(division: Ints) -> Draft:
        whole = one_piece_each(claims, land.graph, piece, division, cost=cost)
        return draft_of(claims, land, whole, options)

    mass = np.sum([*claims.claimed], axis=0)
    return joined_zones(land.graph, cost, label, mass, made, lambda draft: draft.rank)


def least_cost(claims: Claims, draft: Draft) -> float:
    """Return what would change hands at least under the draft's names, connected or not."""
    return math.fsum(change_cost(claims, draft.carried).min(axis=1))


def draft_of(claims: Claims, land: Land, label: Ints, options: UnifyOptions) -> Draft:
    """Return zones under the names that least changes hands under, and what they cost."""
    k = int(label.max()) + 1
    carried = successors(claims, label, k)
    cost = total_cost(change_cost(claims, carried), label)
    goal = _goal(land, k, options)
    load = zone_sums(land.load, label, k).tolist()
    return Draft(label, k, carried, cost, math.fsum(map(goal.beyond, load)) if goal else 0.0)


def _goal(land: Land, k: int, options: UnifyOptions) -> Goal | None:
    mean = math.fsum(land.load) / k
    return None if options.tolerance is None or mean <= 0 else Goal(mean, options.tolerance)


def _cheapest(cost: Floats, label: Ints) -> Ints:
    """Return the cheapest zone of each cell; among equals its own."""
    least = cost.min(axis=1)
    own = cost[np.arange(len(label)), label] <= least
    return np.where(own, label, cost.argmin(axis=1)).astype(np.intp)


def one_piece_each(
    claims: Claims, graph: Contiguity, piece: Ints, label: Ints, *, cost: Floats | None = None
) -> Ints:
    """
    Return a division into connected zones that differs little from a given one.

    Of each zone the part with most mass stays; its other parts, and cells of no zone, join
    a neighbour, the cheapest first. Land without any zone becomes one.
    """
    mass = np.sum([*claims.claimed], axis=0)
    label = _largest_parts(graph, label, mass)
    if cost is None:
        k = int(label.max()) + 1
        cost = np.zeros((len(label), max(k, 1)))
        if k:
            known = np.where(label == _NONE, 0, label).astype(np.intp)
            cost = change_cost(claims, successors(claims, known, k))
    for one in np.setdiff1d(piece, piece[label != _NONE]):
        # Land that no zone has reached is one of its own, begun at its first cell.
        label[np.flatnonzero(piece == one)[0]] = cost.shape[1]
        cost = np.hstack([cost, cost.max(axis=1, keepdims=True)])
    _grow(graph, label, cost)
    numbered: Ints = np.unique(label, return_inverse=True)[1].astype(np.intp)
    return numbered


def _largest_parts(graph: Contiguity, label: Ints, mass: Floats) -> Ints:
    """Return the division with all but the part of most mass of each zone taken out."""
    same = (label[graph.left] == label[graph.right]) & (label[graph.left] != _NONE)
    part = Contiguity(
        graph.left[same], graph.right[same], graph.border_m[same], graph.count
    ).components()
    weight = np.bincount(part, weights=mass)
    size = np.bincount(part)
    kept = np.full(len(label), _NONE, dtype=np.intp)
    for zone in np.unique(label[label != _NONE]).tolist():
        parts = np.unique(part[label == zone])
        best = parts[np.lexsort((parts, -size[parts], -weight[parts]))[0]]
        kept[part == best] = zone
    return kept


def _grow(graph: Contiguity, label: Ints, cost: Floats) -> None:
    """Let cells of no zone join a neighbour's, the least costly first."""
    near: list[list[int]] = [[] for _ in range(graph.count)]
    for one, other in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
        near[one].append(other)
        near[other].append(one)
    extra = cost - cost.min(axis=1, keepdims=True)
    heap = [
        (float(extra[cell, label[other]]), cell, int(label[other]))
        for cell in np.flatnonzero(label == _NONE).tolist()
        for other in near[cell]
        if label[other] != _NONE
    ]
    heapq.heapify(heap)
    while heap:
        _, cell, zone = heapq.heappop(heap)
        if label[cell] != _NONE:
            continue
        label[cell] = zone
        for other in near[cell]:
            if label[other] == _NONE:
                heapq.heappush(heap, (float(extra[other, zone]), other, zone))


def _searched(
    claims: Claims,
    land: Land,
    draft: Draft,
    cost: Floats,
    options: UnifyOptions,
    rng: np.random.Generator,
) -> Draft:
    """Return the best of a course of annealed moves of border cells, under given names."""
    zoning = Zoning(land, draft.label, draft.k)
    if not zoning.cut:
        return draft
    goal = _goal(land, draft.k, options)
    typical = max(float(cost.max(axis=1).mean()), 1e-12)
    moves = max(options.moves_per_cell * land.count, options.least_moves)
    small = land.count < options.least_moves / options.moves_per_cell
    hot = _HOT if goal or small else _WARM
    heat = typical * hot * (_COLD / hot) ** (np.arange(moves) / moves)
    picks, slacks = rng.random(moves).tolist(), (-heat * np.log1p(-rng.random(moves))).tolist()
    prices: list[list[float]] = cost.tolist()
    total = best = total_cost(cost, draft.label)
    excess = least = draft.excess
    label = draft.label
    since: list[tuple[int, int]] = []
    for pick, slack in zip(picks, slacks, strict=True):
        move = zoning.proposed(pick)
        cell, home, host, home_m, _ = move
        if not home_m:
            continue
        dearer = prices[cell][host] - prices[cell][home]
        beyond = _more_excess(zoning, goal, move) if goal else 0.0
        if dearer + beyond * _BEYOND * typical > slack or not zoning.may_leave(cell):
            continue
        zoning.apply(move)
        total, excess = total + dearer, excess + beyond
        since.append((cell, home))
        if (round(excess, _DECIMALS), total) < (round(least, _DECIMALS), best - 1e-9 * typical):
            least, best = excess, total
            since.clear()
    for cell, home in reversed(since):
        zoning.zone[cell] = home
    label = np.array(zoning.zone, dtype=np.intp)
    return draft_of(claims, land, label, options)


def _more_excess(zoning: Zoning, goal: Goal, move: tuple[int, int, int, float, float]) -> float:
    cell, home, host, _, _ = move
    load = zoning.cell_load[cell]
    before = goal.beyond(zoning.load[home]) + goal.beyond(zoning.load[host])
    after = goal.beyond(zoning.load[home] - load) + goal.beyond(zoning.load[host] + load)
    return after - before


def _straightened(
    claims: Claims, land: Land, piece: Ints, draft: Draft, options: UnifyOptions
) -> Draft:
    """Return zones that cost the same with shorter borders: cells follow their neighbours."""
    cost = change_cost(claims, draft.carried)
    together = _together(cost, draft.label, land)
    whole = one_piece_each(claims, land.graph, piece, together, cost=cost)
    joined = draft_of(claims, land, whole, options)
    if joined.rank <= draft.rank and joined.k == draft.k:
        draft, cost = joined, change_cost(claims, joined.carried)
    prices: list[list[float]] = cost.tolist()
    allowed = _EQUAL * max(float(cost.max()), 1e-12)
    zoning, goal = Zoning(land, draft.label, draft.k), _goal(land, draft.k, options)
    for _ in range(_PASSES):
        moved = 0
        for cell in range(land.count):
            home = zoning.zone[cell]
            hosts = sorted({zoning.zone[near] for near, _, _ in zoning.near[cell]} - {home})
            moves = [zoning.move_to(cell, host) for host in hosts]
            better = [
                move
                for move in moves
                if move[4] > move[3] + GRID_M
                and prices[cell][move[2]] <= prices[cell][home] + allowed
                and not (goal and _more_excess(zoning, goal, move) > 0)
            ]
            best = max(better, key=lambda move: (move[4], -move[2]), default=None)
            if best is not None and best[3] and zoning.may_leave(cell):
                zoning.apply(best)
                moved += 1
        if not moved:
            break
    straight = draft_of(claims, land, np.array(zoning.zone, dtype=np.intp), options)
    return straight if straight.rank <= draft.rank else draft


def _together(cost: Floats, label: Ints, land: Land) -> Ints:
    """
    Return the cheapest zone of each cell, where several are equal that of the land around.

    Neighbours that may as well be in any of the same zones go together to the one that
    they have the longest border with.
    """
    graph = land.graph
    equal = cost <= cost.min(axis=1, keepdims=True) + _EQUAL * max(float(cost.max()), 1e-12)
    kinds = np.unique(equal, axis=0, return_inverse=True)[1].ravel()
    open_ = equal.sum(axis=1) > 1
    found = np.where(open_, label, equal.argmax(axis=1)).astype(np.intp)
    same = (kinds[graph.left] == kinds[graph.right]) & open_[graph.left]
    group = Contiguity(
        graph.left[same], graph.right[same], graph.border_m[same], graph.count
    ).components()
    border = np.zeros((int(group.max()) + 1, cost.shape[1]))
    for one, other in ((graph.left, graph.right), (graph.right, graph.left)):
        told = open_[one] & ~open_[other]
        np.add.at(border, (group[one[told]], found[other[told]]), graph.border_m[told])
    border = np.where(equal[np.unique(group, return_index=True)[1]], border, 0.0)
    chosen = border.argmax(axis=1)
    known = border.max(axis=1) > 0
    together: Ints = np.where(open_ & known[group], chosen[group], found).astype(np.intp)
    return together
