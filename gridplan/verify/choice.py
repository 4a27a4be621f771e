"""Does a chosen set of sites keep every rule, and is its objective what it says."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.rules import finding

Kind = Literal["lscp", "mclp", "p_center", "p_quantile", "p_median", "p_ede"]

_LAYER = "siting"
_MONEY = 1e-6


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    What was asked of a plan.

    Attributes
    ----------
    model : {"lscp", "mclp", "p_center", "p_quantile", "p_median", "p_ede"}
    p : int or None
        Number of open sites.
    kept, forbidden : collection of site ids
        Fixed and required sites; sites that must stay closed.
    cost_of : mapping of site id to cost
        What the opened ones cost; fixed ones cost nothing and are absent.
    budget : float
    groups : mapping of site id to group
    at_least, at_most : mapping of group to count
    radius_m : float
        Of the LSCP and the MCLP; of the p-median where a share has to live within it.
    backup : int
        Sites that each demand point needs within the radius.
    share : float
        Of the weight that a quantile has to cover, or that has to live within `radius_m`.
    kappa_per_m : float
        Aversion of the Kolm-Pollak equivalent.
    left_out : collection of demand ids
        Demand that need not be covered.
    """

    model: Kind
    p: int | None = None
    kept: Collection[Hashable] = ()
    forbidden: Collection[Hashable] = ()
    cost_of: Mapping[Hashable, float] | None = None
    budget: float = math.inf
    groups: Mapping[Hashable, Hashable] = field(default_factory=dict)
    at_least: Mapping[Hashable, float] = field(default_factory=dict)
    at_most: Mapping[Hashable, float] = field(default_factory=dict)
    radius_m: float = math.inf
    backup: int = 1
    share: float = 1.0
    kappa_per_m: float = 0.0
    left_out: Collection[Hashable] = ()


@dataclass(frozen=True)
class Distances:
    """Metres of all pairs (``inf``: not allowed) with their ids, and the weights."""

    metres: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    demand_ids: tuple[Hashable, ...]
    site_ids: tuple[Hashable, ...]


def check_choice(
    sites: Collection[Hashable],
    objective: float,
    given: Distances,
    asked: Asked,
    *,
    goes: Mapping[Hashable, Hashable] | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check the open sites of a plan against all that was asked, and compute its objective again.

    Parameters
    ----------
    goes : mapping of demand id to site id, optional
        Where demand goes; to the closest open site if it is not given. Shares and objective are
        of these walks.

    Returns
    -------
    Checked
        With the figure ``siting_objective``.
    """
    opened = list(sites)
    inside = frozenset(opened)
    known = {one: at for at, one in enumerate(given.site_ids)}
    strange = [str(one) for at, one in enumerate(opened) if one not in known or one in opened[:at]]
    findings = [
        *finding("room_not_a_site", strange, layer=_LAYER),
        *finding("room_dropped", _text(set(asked.kept) - inside), layer=_LAYER),
        *finding("room_forbidden", _text(set(asked.forbidden) & inside), layer=_LAYER),
        *_counts(opened, asked),
    ]
    columns = [known[one] for one in opened if one in known]
    metres = given.metres[:, columns] if goes is None else _walks(given, goes, inside)
    findings += _coverage(metres, given, asked)
    again = _objective(opened, metres, given, asked)
    if abs(again - objective) > tolerances.proven_gap * max(abs(again), 1.0):
        said = f"{objective:.12g}"
        findings += finding("objective_differs", [f"{again:.12g}"], layer=_LAYER, detail=said)
    return Checked(tuple(findings), {"siting_objective": again})


def _walks(
    given: Distances, goes: Mapping[Hashable, Hashable], opened: Collection[Hashable]
) -> npt.NDArray[np.float64]:
    """Return how far each goes, ``inf`` where it goes nowhere, shape (n_demand, 1)."""
    known = {one: at for at, one in enumerate(given.site_ids)}
    walks = np.full((len(given.demand_ids), 1), np.inf)
    for row, one in enumerate(given.demand_ids):
        site = goes.get(one)
        if site in opened and site in known:
            walks[row] = given.metres[row, known[site]]
    return walks


def _text(ids: Collection[Hashable]) -> list[str]:
    return sorted(str(one) for one in ids)


def _counts(opened: list[Hashable], asked: Asked) -> list[Finding]:
    findings = []
    if asked.p is not None and len(opened) != asked.p:
        findings += finding("siting_count", [str(len(opened))], layer=_LAYER, detail=str(asked.p))
    spent = _spent(opened, asked)
    if spent > asked.budget + _MONEY * max(1.0, asked.budget):
        findings += finding(
            "siting_budget", [f"{spent:g}"], layer=_LAYER, detail=f"{asked.budget:g}"
        )
    held: dict[Hashable, int] = {}
    for one in opened:
        name = asked.groups.get(one)
        held[name] = held.get(name, 0) + 1
    wrong = {one for one, least in asked.at_least.items() if held.get(one, 0) < least}
    wrong |= {one for one, most in asked.at_most.items() if held.get(one, 0) > most}
    return [*findings, *finding("siting_group", _text(wrong), layer=_LAYER)]


def _spent(opened: list[Hashable], asked: Asked) -> float:
    costs = asked.cost_of or {}
    return math.fsum(costs.get(one, 0.0) for one in opened)


def _coverage(metres: npt.NDArray[np.float64], given: Distances, asked: Asked) -> list[Finding]:
    if asked.model == "p_median" and math.isfinite(asked.radius_m):
        return _share_near(metres, given, asked)
    if asked.model != "lscp":
        return []
    near = (metres <= asked.radius_m).sum(axis=1)
    excused = frozenset(asked.left_out)
    short = [
        str(given.demand_ids[at])
        for at in np.flatnonzero(near < asked.backup)
        if given.demand_ids[at] not in excused
    ]
    return finding("siting_uncovered", short, layer=_LAYER, detail=f"{asked.radius_m:g}")


def _share_near(metres: npt.NDArray[np.float64], given: Distances, asked: Asked) -> list[Finding]:
    near = metres.min(axis=1, initial=np.inf) <= asked.radius_m
    total = math.fsum(given.weights)
    share = math.fsum(given.weights[near]) / total if total > 0 else 1.0
    if share >= asked.share - STANDARD.proven_gap:
        return []
    words = f"{asked.share:g} ({asked.radius_m:g} m)"
    return finding("siting_share", [f"{share:.6g}"], layer=_LAYER, detail=words)


def _objective(
    opened: list[Hashable],
    metres: npt.NDArray[np.float64],
    given: Distances,
    asked: Asked,
) -> float:
    if asked.model == "lscp":
        return float(len(opened)) if asked.cost_of is None else _spent(opened, asked)
    nearest = metres.min(axis=1, initial=np.inf)
    weights = given.weights
    if asked.model == "mclp":
        return math.fsum(weights[nearest <= asked.radius_m])
    if asked.model == "p_quantile":
        return _quantile(nearest, weights, asked.share)
    excused = frozenset(asked.left_out)
    counted = weights > 0
    counted &= np.array([one not in excused for one in given.demand_ids], dtype=np.bool_)
    walks, people = nearest[counted], weights[counted]
    if asked.model == "p_ede":
        return _equivalent(walks, people, asked.kappa_per_m)
    if asked.model == "p_median":
        return math.fsum(walks * people)
    return float(walks.max(initial=0.0))


def _quantile(
    nearest: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], share: float
) -> float:
    """Return the least distance that has a share of all weight within it."""
    needed = share * math.fsum(weights) * (1.0 - STANDARD.proven_gap)
    for radius_m in np.unique(nearest[weights > 0]):
        if math.fsum(weights[nearest <= radius_m]) >= needed:
            return float(radius_m)
    return 0.0


def _equivalent(
    walks: npt.NDArray[np.float64], people: npt.NDArray[np.float64], kappa: float
) -> float:
    """Return the walk that is as bad for all as theirs are: a mean of powers, from the longest."""
    if not len(walks):
        return 0.0
    longest = float(walks.max())
    shares = people / math.fsum(people)
    return longest + math.log(math.fsum(shares * np.exp(kappa * (walks - longest)))) / kappa
