"""`make_town`: from options to layers."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import shapely

from gridplan.geometry import Geometries
from gridplan.sources.demo.blocks import make_blocks
from gridplan.sources.demo.components import street_components
from gridplan.sources.demo.departments import department_zones
from gridplan.sources.demo.landuse import PERSONS_PER_HOUSEHOLD, build_tracts
from gridplan.sources.demo.names import PUBLIC_NAMES, NameBook
from gridplan.sources.demo.options import CRS, TOWN_NAME, DemoOptions, DemoTown
from gridplan.sources.demo.outline import draw_outline
from gridplan.sources.demo.people import (
    Community,
    make_communities,
    persons_factor,
    population_table,
)
from gridplan.sources.demo.places import near_street, place_committees, place_services, place_sites
from gridplan.sources.demo.tracts import BUILDING_KINDS, ESTATE_KINDS, Tract
from gridplan.sources.demo.waterways import Way, canals, lattice_ways

_BRIDGE_LAYER = 1
_WATER_KINDS = {"park": "lake", "creek": "creek"}


def make_town(options: DemoOptions | None = None) -> DemoTown:
    """
    Return a synthetic sub-district in the manner of 新镇街道 on the canal plain.

    Parameters
    ----------
    options : DemoOptions, optional
        Residents, area and seed; by default 80,000 on 15 km².

    Returns
    -------
    DemoTown
        Layers ``boundary``, ``communities``, ``committees``, ``buildings``,
        ``streets``, ``water``, ``barriers``, ``gates``, ``estates``, ``sites``,
        ``facilities``, ``zonings``, ``components`` in EPSG:4549 on the 1 mm grid, and the
        population table.

    Examples
    --------
    >>> town = make_town(DemoOptions(population=4_000, area_km2=1.0))
    >>> int(town.population["常住人口"].sum())
    4000
    """
    options = options or DemoOptions()
    names = NameBook(options.seed)
    outline = draw_outline(options)
    boundary = shapely.coverage_union_all(np.array(list(outline.polygons.values())))
    waters = canals(outline, boundary, options.seed)
    canal_m2 = float(sum(shapely.area(parts).sum() for _, parts in waters))
    blocks, ways = make_blocks(outline, options.seed)
    tracts = build_tracts(blocks, options, canal_water_m2=canal_m2)
    communities = make_communities(outline, tracts, options, names)
    population = population_table(tracts, communities, options)
    canal_names = {key: names.canal() for key, _ in waters}
    ways = [*lattice_ways(outline, options.seed), *ways, *(w for t in tracts for w in t.ways)]
    streets = _streets(ways, names, canal_names)
    estates = _estates(tracts, names)
    buildings = _buildings(tracts, communities, names, persons_factor(tracts, options))
    gates = _gates(tracts)
    near = near_street(buildings, streets)
    layers = {
        "boundary": _frame({"name": [TOWN_NAME]}, [boundary]),
        "communities": _frame(
            {
                "community_id": [one.code for one in communities],
                "name": [one.name for one in communities],
                "official": np.zeros(len(communities), dtype=np.int64),
            },
            [one.area for one in communities],
        ),
        "committees": place_committees(communities, buildings[near], population, options),
        "buildings": buildings.drop(columns="community_id"),
        "streets": streets,
        "water": _water(tracts, waters, canal_names),
        "barriers": _barriers(tracts),
        "gates": gates,
        "estates": estates,
        "sites": place_sites(estates, gates, buildings[near], options),
        "facilities": place_services(communities, buildings[near], options),
        "zonings": department_zones(outline, options),
    }
    layers["components"] = street_components(layers, options)
    return DemoTown(options, layers, population)


def _frame(columns: dict[str, object], shapes: Iterable[shapely.Geometry]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


def _ids(letter: str, count: int, digits: int = 3) -> list[str]:
    return [f"{letter}{number:0{digits}d}" for number in range(1, count + 1)]


def _text(values: Iterable[str | None]) -> np.ndarray:
    return np.array(list(values), dtype=object)


def _streets(ways: list[Way], names: NameBook, canal_names: dict[str, str]) -> gpd.GeoDataFrame:
    keys = list(dict.fromkeys(way.name for way in ways if way.name is not None))
    street_names = names.streets(keys, canal_names)
    bridge = np.array([way.bridge for way in ways], dtype=np.int64)
    return _frame(
        {
            "street_id": _ids("S", len(ways), 4),
            "name": _text(street_names.get(way.name or "") for way in ways),
            "highway": [way.highway for way in ways],
            "foot": _text("no" if way.private else None for way in ways),
            "access": _text("private" if way.private else None for way in ways),
            "bridge": bridge,
            "tunnel": np.zeros(len(ways), dtype=np.int64),
            "layer": bridge * float(_BRIDGE_LAYER),
        },
        shapely.linestrings(
            np.concatenate([way.coords for way in ways]),
            indices=np.repeat(np.arange(len(ways)), [len(way.coords) for way in ways]),
        ),
    )


def _homes(tracts: list[Tract]) -> list[Tract]:
    return [tract for tract in tracts if tract.use in ESTATE_KINDS]


def _estates(tracts: list[Tract], names: NameBook) -> gpd.GeoDataFrame:
    homes = _homes(tracts)
    return _frame(
        {
            "estate_id": _ids("E", len(homes)),
            "name": [names.estate(tract.use) for tract in homes],
            "kind": [tract.use for tract in homes],
            "households": np.array([tract.homes for tract in homes], dtype=np.int64),
            "walled": np.array([tract.use != "village" for tract in homes], dtype=np.int64),
        },
        [tract.outline for tract in homes],
    )


def _gates(tracts: list[Tract]) -> gpd.GeoDataFrame:
    homes = _homes(tracts)
    counts = [len(tract.gates) for tract in homes]
    return _frame(
        {
            "gate_id": _ids("G", sum(counts)),
            "estate_id": np.repeat(np.array(_ids("E", len(homes)), dtype=object), counts),
            "status": "mapped",
        },
        shapely.points(np.concatenate([tract.gates for tract in homes])),
    )


def _buildings(
    tracts: list[Tract], communities: list[Community], names: NameBook, factor: float
) -> gpd.GeoDataFrame:
    """Return the buildings, with ``community_id`` for those who place rooms."""
    built = [tract for tract in tracts if len(tract.footprints)]
    counts = [len(tract.footprints) for tract in built]
    code = {key: one.code for one in communities for key in one.keys}
    estate_ids = iter(_ids("E", len(_homes(tracts))))

    def each(values: list[str | None]) -> np.ndarray:
        return np.repeat(np.array(values, dtype=object), counts)

    kind = each([BUILDING_KINDS[tract.use] for tract in built])
    households = np.concatenate([tract.households for tract in built])
    beds = np.rint(households * PERSONS_PER_HOUSEHOLD["dormitory"] * factor)
    public = [PUBLIC_NAMES.get(tract.use) for tract in built]
    return _frame(
        {
            "building_id": _ids("B", sum(counts), 5),
            "kind": kind,
            "floors": np.concatenate([tract.floors for tract in built]).astype(np.float64),
            "households": households,
            "estate_id": each([next(estate_ids) if t.use in ESTATE_KINDS else None for t in built]),
            "name": each([names.stem() + ending if ending else None for ending in public]),
            "beds": np.where(kind == "dormitory", beds, np.nan),
            "community_id": each([code[tract.block.key] for tract in built]),
        },
        np.concatenate([tract.footprints for tract in built]),
    )


def _water(
    tracts: list[Tract], waters: list[tuple[str, Geometries]], canal_names: dict[str, str]
) -> gpd.GeoDataFrame:
    shapes: list[shapely.Polygon] = []
    names: list[str | None] = []
    kinds: list[str] = []
    for key, parts in waters:
        shapes += list(parts)
        names += [canal_names[key]] * len(parts)
        kinds += ["canal"] * len(parts)
    for tract in tracts:
        shapes += list(tract.ponds)
        names += [None] * len(tract.ponds)
        kinds += [_WATER_KINDS.get(tract.use, "pond")] * len(tract.ponds)
    return _frame({"water_id": _ids("C", len(shapes)), "name": _text(names), "kind": kinds}, shapes)


def _barriers(tracts: list[Tract]) -> gpd.GeoDataFrame:
    walls = [wall for tract in tracts for wall in tract.walls]
    return _frame(
        {"barrier_id": _ids("L", len(walls)), "kind": ["wall"] * len(walls)},
        [shapely.LineString(wall) for wall in walls],
    )
