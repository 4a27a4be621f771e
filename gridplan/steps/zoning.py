"""Step: the zone systems of a plan, each by its settings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from gridplan.config import Config
from gridplan.demand import first_containing
from gridplan.errors import (
    InfeasibleError,
    Message,
    Note,
    SettingsError,
    agreed,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.geometry import Floats
from gridplan.place import Place
from gridplan.steps.rezoning import (
    earlier_zones,
    locked_cells,
    moves_between,
    rezoned_note,
    zone_with_most,
)
from gridplan.steps.work import Work
from gridplan.steps.zone_bands import check_band, check_weights, load_word
from gridplan.steps.zone_borders import bridges, inner_roads, line_shares, parted
from gridplan.terms import known, term
from gridplan.zone_settings import PRESETS, SystemSettings
from gridplan.zones import (
    Bridges,
    SystemOptions,
    SystemPlan,
    SystemRules,
    cell_loads,
    home_households,
    rezone,
    zone_system,
)
from gridplan.zones.districts_problem import Flags
from gridplan.zones.system_options import Nesting

_PERSONS_PER_ZONE = 10_000
"""Of the preset `enforcement`, between its least and most zones."""
_ESTATE = "estate_id"
_UNIFIED = "U"
"""Zones of the one boundary of `[unify]` are called so."""
_DIVIDED = ("zones_estate_divided", "zones_estate_given")
"""Notes that say why an estate is in several zones."""


@dataclass(frozen=True)
class MadeSystem:
    """
    A zone system as it was made.

    Attributes
    ----------
    name : str
    settings : SystemSettings
    options : SystemOptions
    weights : tuple of str
        What its zones share evenly.
    plan : SystemPlan
    parents : Series or None
        Zone of the parent system, by ``cell_uid``.
    kept : tuple of str
        Given zones that are as they were.
    anchors : mapping of committee to cell, empty without anchors
    earlier : Series or None
        Zone of an earlier plan, by ``cell_uid``.
    """

    name: str
    settings: SystemSettings
    options: SystemOptions
    weights: tuple[str, ...]
    plan: SystemPlan
    parents: pd.Series[str] | None
    kept: tuple[str, ...]
    anchors: dict[str, str]
    earlier: pd.Series[str] | None = None

    @property
    def nest(self) -> Nesting:
        """How zones lie in communities."""
        return self.settings.nest or PRESETS[self.settings.preset].nest

    @property
    def bounds(self) -> dict[str, pd.DataFrame]:
        """``least`` and ``most`` that each zone may have of each weight; of one that is 0, none."""
        table = self.plan.balance
        return {
            name: pd.DataFrame({one: table[f"{name}_{one}"] for one in ("least", "most")})
            for name in self.weights
            if name in table
        }


@dataclass(frozen=True)
class Known:
    """
    What is known before a system is made.

    Attributes
    ----------
    made : mapping of name to MadeSystem
        The systems before it.
    on_lines : array of float or None
        As `line_shares` gives them; without it borders on streets count as any other.
    parted : array of bool or None
        As `parted` gives them; without it no border parts.
    shared : mapping of ``cell_uid`` to estates
        Further estates with homes in a cell, as `SystemRules` takes them.
    """

    made: Mapping[str, MadeSystem] = field(default_factory=dict)
    on_lines: Floats | None = None
    parted: Flags | None = None
    bridges: Bridges | None = None
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_NOTHING = Known()


def add_zones(work: Work) -> None:
    """Group the cells into the zones of each system; the first one is the main system."""
    cells = work.found["cells"]
    homes, ways = work.found["demand"], work.found["network"].walkable
    loads = loads_of(work.place, work.config, cells=cells, homes=homes, ways=ways)
    work.found["cell_loads"] = loads
    ground = cells.assign(**{_ESTATE: estate_of_cells(cells, homes)})
    shared = {uid: own[1:] for uid, own in _estates_by_cell(homes).items() if own[1:]}
    check_weights(work.place, work.config)
    made: dict[str, MadeSystem] = {}
    told: dict[Note, list[str]] = {}
    on_lines = line_shares(work.place, cells)
    barred, over = work.found["barred"] = barred_borders(work.place, work.config, cells)
    for name, settings in work.config.zones.named:
        system = make_system(
            work.place, work.config, name, settings, ground=ground, loads=loads,
            known=Known(made, on_lines, barred, over, shared),
        )  # fmt: skip
        made[name] = system
        for note in (*system.plan.notes, *_cut_note(system, homes), *_rezoned_note(system, loads)):
            told.setdefault(note, []).append(name)
    # What parts the land is the same for most systems, and is told once.
    work.notes.extend(
        _under_names([made[one] for one in names], note) for note, names in told.items()
    )
    work.found["systems"] = made
    main = made[work.config.zones.main]
    work.found["cells"] = cells.assign(zone_id=cells["cell_uid"].map(main.plan.zone_of))


def barred_borders(
    place: Place, config: Config, cells: gpd.GeoDataFrame
) -> tuple[Flags | None, Bridges | None]:
    """Return the borders that part land, and crossings; None where no zones ask for them."""
    asked = [one.water_parts for _, one in config.zones.named]
    if not any(asked) and not config.unify.water_parts:
        return None, None
    barred = parted(place, cells, reach_m=config.zones.crossing_m)
    return barred, bridges(place, cells, barred)


def loads_of(
    place: Place,
    config: Config,
    *,
    cells: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    ways: gpd.GeoDataFrame,
) -> pd.DataFrame:
    """Return what each cell has of all that zones may share; `ways` are what one can walk on."""
    each = config.demand.persons_per_household
    households = home_households(homes, place.buildings, persons_per_household=each)
    groups = [one for one in place.groups if one in homes]
    return cell_loads(cells, homes, households, ways.geometry.to_numpy(), cases=place.cases,
                      groups=groups)  # fmt: skip


def estate_of_cells(cells: gpd.GeoDataFrame, homes: pd.DataFrame) -> pd.Series[str]:
    """Return the estate where most of a cell's residents live, null for none."""
    most = {uid: names[0] for uid, names in _estates_by_cell(homes).items()}
    found: pd.Series[str] = cells["cell_uid"].map(most).astype("object")
    return found.where(found.notna(), None)


def _estates_by_cell(homes: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the estates with homes in each cell, those with most residents there first."""
    living = homes[homes[_ESTATE].notna() & homes["cell_uid"].notna()]
    counted = living.groupby(["cell_uid", _ESTATE])["population"].sum().reset_index()
    ordered = counted.sort_values(["cell_uid", "population", _ESTATE],
                                  ascending=[True, False, True])  # fmt: skip
    return {str(uid): tuple(map(str, own)) for uid, own in ordered.groupby("cell_uid")[_ESTATE]}


def cut_estates(zone_of: pd.Series[str], homes: pd.DataFrame) -> tuple[str, ...]:
    """Return the estates whose homes are in several zones, sorted."""
    zone = homes["cell_uid"].map(zone_of)
    counted = zone.groupby(homes["estate_id"]).nunique()
    return tuple(sorted(str(one) for one in counted.index[counted > 1]))


def _cut_note(system: MadeSystem, homes: pd.DataFrame) -> tuple[Note, ...]:
    """Return a note on estates in several zones of which no other note says why."""
    if system.settings.estates != "whole":
        return ()
    told = {one for note in system.plan.notes if note.code in _DIVIDED for one in note.ids}
    cut = tuple(one for one in cut_estates(system.plan.zone_of, homes) if one not in told)
    if not cut:
        return ()
    message = Message(
        en=f"{counted(len(cut), 'estate', 'estates')} should stay whole but "
        f"{agreed(len(cut), 'lies', 'lie')} in several zones: {first_ids(cut)}. Borders of "
        f"communities or of given zones, water without a crossing, other land between their "
        f"buildings, or a cell shared with another estate divide them.",
        zh=f"{len(cut)} 个小区应保持完整，但分属多个分区：{ids_zh(cut)}。"
        f"原因为社区或现有分区边界、无通道的水系、楼栋间隔有其他用地，或与其他小区同处一个网格。",
    )
    return (Note("zones_estate_cut", len(cut), message, cut),)


def _rezoned_note(system: MadeSystem, loads: pd.DataFrame) -> tuple[Note, ...]:
    """Return what an earlier plan's zones have lost and got."""
    if system.earlier is None:
        return ()
    moves = moves_between(system.plan, system.earlier, loads["population"])
    return (rezoned_note(moves, math.fsum(loads["population"])),)


def make_system(
    place: Place,
    config: Config,
    name: str,
    settings: SystemSettings,
    *,
    ground: gpd.GeoDataFrame,
    loads: pd.DataFrame,
    known: Known = _NOTHING,
) -> MadeSystem:
    """
    Return a zone system by its settings, its preset and the norms.

    Parameters
    ----------
    ground : GeoDataFrame
        Cells with ``cell_uid``, ``community_id`` and ``estate_id``.
    loads : DataFrame
        As `gridplan.zones.cell_loads` gives them.
    known : Known
        The systems before it; one of them may be its parent.
    """
    made = known.made
    parents = None if settings.parent is None else made[settings.parent].plan.zone_of
    nest = settings.nest or PRESETS[settings.preset].nest
    own = ground
    if parents is not None:
        own, nest = _nested(ground, parents, nest)
    taken = taken_ids(config, name, made)
    given, kept = given_cells(place, own, name, settings, taken)
    locked = given | locked_to(own, name, settings, given, taken)
    options, weights = system_options(config, name, settings, loads, locked=given)
    # Ids tell systems apart: tables name zones without their system.
    options = replace(
        options, nest=nest, kept=kept, prefix=_prefix(name, settings), islands=settings.islands
    )
    anchors = _anchors(place, own) if settings.anchors == "committees" else {}
    whole = settings.estates == "whole"
    rules = SystemRules(
        anchors=anchors,
        locked=locked,
        estates=_ESTATE if whole else None,
        shared=known.shared if whole else {},
        inner_roads=inner_roads(place, own) if whole else None,
        on_lines=known.on_lines,
        parted=known.parted if settings.water_parts else None,
        bridges=known.bridges,
    )
    earlier = earlier_zones(place, own, name)
    try:
        if settings.band is not None and options.band is not None:
            body = own["community_id"] if nest == "inside" else pd.Series("", index=own.index)
            load = loads[weights[0]].reindex(own["cell_uid"])
            totals = load.groupby(body.to_numpy()).sum().tolist()
            check_band(settings.band, totals, weight=weights[0], k=options.k)
        if earlier is None:
            plan = zone_system(own, loads[list(weights)], rules=rules, options=options)
        else:
            plan = rezone(own, loads[list(weights)], earlier, stability=settings.stability,
                          rules=rules, options=options).plan  # fmt: skip
    except InfeasibleError as error:
        raise InfeasibleError(*(of_system(name, one) for one in error.faults)) from error
    return MadeSystem(name, settings, options, weights, plan, parents, kept, anchors, earlier)


def locked_to(
    cells: gpd.GeoDataFrame,
    name: str,
    settings: SystemSettings,
    given: Mapping[str, str],
    taken: Callable[[str], bool],
) -> dict[str, str]:
    """Return the zone of each cell that the settings lock, or refuse them for the system."""
    try:
        return locked_cells(cells, settings, given, taken)
    except SettingsError as error:
        raise SettingsError(*(of_system(name, one) for one in error.faults)) from error


def system_options(
    config: Config,
    name: str,
    settings: SystemSettings,
    loads: pd.DataFrame,
    *,
    locked: Mapping[str, str] = MappingProxyType({}),
) -> tuple[SystemOptions, tuple[str, ...]]:
    """
    Return the options of a system and its weights, from its settings, its preset, the norms.

    Parameters
    ----------
    locked : mapping of ``cell_uid`` to zone name
        Cells of the zones of a department that are given. Where all are kept they decide
        how many there are, else the norm does, for the cells of no kept zone.
    """
    zones = len(set(locked.values()))
    given = zones if settings.keep == "all" else 0
    rest = loads[~loads.index.isin(list(locked))]
    preset = PRESETS[settings.preset]
    weights = tuple(settings.weights) or preset.weights
    tolerance = settings.tolerance or config.zones.tolerance
    band = settings.band
    sizes: tuple[float, float] | None = None
    total = math.fsum(loads[weights[0]])
    if preset.by_band and band is None and weights[0] in preset.weights and not given and total:
        # A tolerance takes the place of the band; the norm still says how many zones may be.
        norms = config.all_norms
        least, most = (norms[f"social_grid_{one}_households"].value for one in ("least", "most"))
        sizes = least, most
        if settings.tolerance is None and not settings.weights:
            band, sizes = sizes, None
    asked = settings.k or (config.zones.k if name == config.zones.main else 0)
    options = SystemOptions(
        k=asked,
        proposed=given or _proposed(settings, rest, config, kept=zones),
        tolerance=tolerance,
        tolerances={one: settings.weights.get(one, tolerance) for one in weights},
        band=band if total > 0 else None,
        sizes=sizes,
        border_weight=(
            preset.border_weight if settings.border_weight is None else settings.border_weight
        ),
        seed=config.run.seed if settings.seed is None else settings.seed,
        starts=settings.starts or preset.starts,
        moves_per_unit=preset.moves_per_unit,
        work=preset.work,
    )
    return options, weights


def _proposed(settings: SystemSettings, loads: pd.DataFrame, config: Config, *, kept: int) -> int:
    """Return the number of zones that the preset's norm gives for loads, and kept zones."""
    if kept and not len(loads):
        return kept
    norms = config.all_norms
    if settings.preset == "enforcement":
        # The norm is about the whole: zones that are kept count among its least and most.
        least, most = (norms[f"enforcement_zones_{one}"].value for one in ("least", "most"))
        wanted = math.fsum(loads["population"]) / _PERSONS_PER_ZONE + kept
        return max(kept + 1, _rounded(min(max(wanted, least), most)))
    if settings.preset == "patrol":
        return kept + max(1, _rounded(len(loads) / max(norms["patrol_cells"].value, 1.0)))
    households = [norms[f"social_grid_{one}_households"].value for one in ("least", "most")]
    mean = max(sum(households) / 2, 1.0)
    return kept + max(1, _rounded(math.fsum(loads["households"]) / mean))


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)


def _nested(
    ground: gpd.GeoDataFrame, parents: pd.Series[str], nest: Nesting
) -> tuple[gpd.GeoDataFrame, Nesting]:
    """Return cells that name their parent zone as community, and the nesting in it."""
    above = ground["cell_uid"].map(parents).astype(str)
    if nest == "inside":
        above = above + "/" + ground["community_id"].astype(str)
    return ground.assign(community_id=above), "inside"


def _prefix(name: str, settings: SystemSettings) -> str:
    return PRESETS[settings.preset].prefix if name in PRESETS else f"{name}-"


def taken_ids(config: Config, name: str, made: Mapping[str, MadeSystem]) -> Callable[[str], bool]:
    """Return whether an id is one of a system made before, or one as another system gives."""
    known = {str(one) for system in made.values() for one in system.plan.balance.index}
    others = [_prefix(*one) for one in config.zones.named if one[0] != name]
    numbered = re.compile(f"({'|'.join(map(re.escape, [*others, _UNIFIED]))})[0-9]+")
    return lambda one: one in known or numbered.fullmatch(one) is not None


def given_cells(
    place: Place,
    cells: gpd.GeoDataFrame,
    name: str,
    settings: SystemSettings,
    taken: Callable[[str], bool],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the given zone of each locked cell, and the zones that stay as they are."""
    if settings.given is None:
        return {}, ()
    zone = given_zones(place, cells, name, settings.given)
    called = {one: f"{name}-{one}" if taken(one) else one for one in zone.dropna().unique()}
    if settings.keep == "all":
        return {str(uid): called[one] for uid, one in zone.items() if one is not None}, ()
    unknown = sorted(set(settings.keep) - set(zone.dropna()))
    if unknown:
        raise SettingsError(
            of_system(
                name,
                Message(
                    en=f"`keep` names zones that {settings.given} does not have here: "
                    f"{', '.join(unknown)}. It has {', '.join(sorted(set(zone.dropna())))}.",
                    zh=f"`keep` 中的分区不在 {settings.given} 的现有分区内："
                    f"{'、'.join(unknown)}。现有 {'、'.join(sorted(set(zone.dropna())))}。",
                ),
            )
        )
    kept = set(settings.keep)
    names = tuple(sorted(called[one] for one in kept))
    return {str(uid): called[one] for uid, one in zone.items() if one in kept}, names


def given_zones(
    place: Place, cells: gpd.GeoDataFrame, name: str, department: str
) -> pd.Series[str]:
    """Return the zone of a department that has most of each cell, null for none."""
    zonings = place.zonings[place.zonings["department"] == department]
    if zonings.empty:
        known = sorted(set(place.zonings["department"]))
        raise SettingsError(
            of_system(
                name,
                Message(
                    en=f"`given` is {department!r}, of which [place].zonings has no zones; it has "
                    f"those of {', '.join(known) or 'nobody'}.",
                    zh=f"`given` 为 {department!r}，[place].zonings 中没有其分区；"
                    f"现有 {'、'.join(known) or '无'}。",
                ),
            )
        )
    return zone_with_most(cells, zonings)


def _anchors(place: Place, cells: gpd.GeoDataFrame) -> dict[str, str]:
    """Return the cell in which each committee stands; those outside are none."""
    committees = place.committees
    cell = first_containing(committees.geometry.to_numpy(), cells, "cell_uid")
    pairs = zip(committees["committee_id"], cell, strict=True)
    return {str(one): str(uid) for one, uid in pairs if pd.notna(uid)}


def system_word(name: str) -> Message:
    """Return what a zone system is called: the term of a preset, or the planner's own name."""
    return term(name, "kind").message if known(name, "kind") else Message(en=name, zh=name)


def _under_names(systems: list[MadeSystem], note: Note) -> Note:
    """Return a note under the names of systems, in the planner's words."""
    en, zh = note.message.en, note.message.zh
    for weight in sorted({one for system in systems for one in system.weights}):
        # ASCII: Chinese words have no blanks around the name of a column.
        zh = re.sub(rf"(?a)(?<!\w){re.escape(weight)}(?!\w)", load_word(weight).zh, zh)
    named = "、".join(system_word(one.name).zh for one in systems)
    word = "system" if len(systems) == 1 else "systems"
    message = Message(
        en=f"Zone {word} {', '.join(one.name for one in systems)}: {en}", zh=f"{named}：{zh}"
    )
    return Note(note.code, note.count, message, note.ids)


def of_system(name: str, message: Message) -> Message:
    """Return a message under the name of the system that it is about."""
    return Message(en=f"Zone system {name}: {message.en}", zh=f"网格体系 {name}：{message.zh}")
