"""Steps: the walking network, the residents, the cells."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan import assemble
from gridplan.answers.words import WALL, YES
from gridplan.cells import kept_uids, managed_communities
from gridplan.cells.components import NOWHERE, built_cells, cells_of_components, unevenness
from gridplan.cells.given import kept_whole
from gridplan.config import Config
from gridplan.demand import first_containing, spread_residents
from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.network import (
    Network,
    assumed_note,
    proposal_note,
    propose_gates,
    wall_notes,
    wall_variants,
)
from gridplan.place import Place
from gridplan.steps.coding import coded_cells
from gridplan.steps.given import no_cell_note, nowhere_notes
from gridplan.steps.work import Work, network_options


def add_network(work: Work) -> None:
    """Build the walking network, with unknown walls open and closed, and propose gates."""
    place, options = work.place, network_options(work.config)
    near = place.outline.buffer(options.buffer_m)
    shapely.prepare(near)
    within = shapely.intersects(near, place.streets.geometry.to_numpy())
    found_walled = _found_walled(place)
    opened, walled = wall_variants(
        place.streets[within].reset_index(drop=True),
        gates=place.gates,
        water=place.water,
        barriers=place.barriers,
        estates=place.estates,
        options=options,
        gates_unknown=found_walled,
    )
    network, blocks = opened.network, opened.blocks
    proposed = propose_gates(network, place.gates, blocks=blocks, options=options)
    work.found["network"] = network
    work.found["blocks"] = blocks
    work.found["walled"] = walled
    work.found["proposed_gates"] = proposed
    work.notes.extend(network.notes)
    work.notes.extend(proposal_note(proposed))
    work.notes.extend(assumed_note(network, found_walled))
    if work.config.cells.method == "fabric":
        work.notes.extend(_enclosure_note(network))
        work.notes.extend(_line_notes(place.streets[within]))
    work.notes.extend(
        wall_notes(
            network,
            buildings=place.buildings,
            barriers=place.barriers,
            water=place.water,
            blocks=blocks,
        )
    )


def _enclosure_note(network: Network) -> list[Note]:
    """Say that the streets bound nothing: a forest has fewer edges than nodes."""
    u, v = network.edges["u"].to_numpy(), network.edges["v"].to_numpy()
    names, ends = np.unique(np.concatenate([u, v]).astype(str), return_inverse=True)
    left, right = np.split(ends, 2)
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(len(names), len(names)))
    pieces = connected_components(graph, directed=False)[0]
    if len(left) > len(names) - pieces:
        return []
    message = Message(
        en="No streets enclose any land: only water, walls, community lines and streets that run "
        "from edge to edge can bound a cell; other borders run between buildings. Check that "
        "the layer of streets is whole.",
        zh="没有任何道路围合成街坊：只有水系、围墙、社区界线与横贯全域的道路可作界线，"
        "其余界线在建筑之间。请检查道路图层是否完整。",
    )
    return [Note("streets_enclose_nothing", len(left), message)]


def _line_notes(streets: gpd.GeoDataFrame) -> list[Note]:
    """Say which streets lie there twice or cross themselves: cells take each line once."""
    shapes = shapely.normalize(streets.geometry.to_numpy())
    ids = streets["street_id"].to_numpy(dtype=object)
    twice = ids[pd.Series(shapely.to_wkb(shapes)).duplicated().to_numpy()].tolist()
    crossed = ids[~shapely.is_simple(shapes)].tolist()
    notes = []
    if twice:
        message = Message(
            en=f"{counted(len(twice), 'street lies', 'streets lie')} exactly on another one: "
            f"{first_ids(twice)}. Cells take the line once; check the layer of streets.",
            zh=f"{len(twice)} 条道路与另一条完全重合：{ids_zh(twice)}。划分网格时只计一次，"
            f"请检查道路图层。",
        )
        notes.append(Note("streets_twice", len(twice), message, tuple(twice)))
    if crossed:
        message = Message(
            en=f"{counted(len(crossed), 'street crosses itself', 'streets cross themselves')}: "
            f"{first_ids(crossed)}. Cells take the lines as they are, with a junction at the "
            f"crossing; check whether they are drawn right.",
            zh=f"{len(crossed)} 条道路自相交：{ids_zh(crossed)}。划分网格时按原样采用，"
            f"交叉处视为路口，请检查是否绘制有误。",
        )
        notes.append(Note("streets_cross_themselves", len(crossed), message, tuple(crossed)))
    return notes


def _found_walled(place: Place) -> tuple[str, ...]:
    """
    Return the estates that a field check found to be walled.

    The list promised the walk with gates where streets reach the wall; so it is, until
    each gate is looked at.
    """
    checks = place.field_checks
    yes = (checks["kind"] == WALL) & (checks["answer"] == YES)
    return tuple(sorted(checks["target_id"][yes].astype(str)))


def add_demand(work: Work) -> None:
    """Spread the residents over the homes."""
    work.found["demand"] = spread_residents(work.place, options=work.config.demand.options)


def add_communities(work: Work) -> None:
    """Move the lines of the communities round the buildings that straddle them."""
    place, moves = managed_place(work.place, work.config)
    work.place = place
    work.found["line_moves"] = moves
    if len(moves):
        work.notes.append(_moves_note(moves))


def managed_place(place: Place, config: Config) -> tuple[Place, gpd.GeoDataFrame]:
    """Return the place with the management lines of its communities, and the moves."""
    buildings = place.buildings
    if config.cells.method == "given":
        # An existing grid is measured against the lines of the office, but for the buildings
        # that it goes round itself.
        buildings = kept_whole(place.cells, place.communities, buildings)
    elif config.cells.method == "square":
        buildings = buildings.iloc[:0]
    communities, moves = managed_communities(place.communities, buildings)
    return replace(place, communities=communities), moves


def _moves_note(moves: gpd.GeoDataFrame) -> Note:
    buildings = moves["building_id"].dropna().unique().tolist()
    area_m2 = float(moves["area_m2"].sum())
    message = Message(
        en=f"The lines of the communities were moved round "
        f"{counted(len(buildings), 'building that straddles', 'buildings that straddle')} them, "
        f"{area_m2:,.0f} m² in all: {first_ids(buildings)}. The table `line_moves` lists each.",
        zh=f"社区界线为 {len(buildings)} 栋跨线建筑作了移动，共 {area_m2:,.0f} 平方米："
        f"{ids_zh(buildings)}。逐条见 `line_moves` 表。",
    )
    return Note("community_lines_moved", len(buildings), message, tuple(buildings))


def add_cells(work: Work) -> None:
    """Draw the cells, or take them over, and count their residents."""
    coded = coded_cells(work.place, work.config)
    cells = coded.cells
    work.notes.extend(coded.notes)
    if coded.faults is not None:
        work.found["cell_faults"] = coded.faults
    cells["cell_uid"] = kept_uids(cells)
    demand = work.found["demand"]
    demand["cell_uid"] = first_containing(demand.geometry.to_numpy(), cells, "cell_uid")
    work.found["cells"] = assemble.cells_with_residents(cells, demand)
    if len(work.place.components):
        _count_components(work)
    if coded.faults is not None:
        work.notes.extend(nowhere_notes(demand))


def _count_components(work: Work) -> None:
    """Count the components of each cell, each in one cell, and name those that are in none."""
    cells, components = work.found["cells"], work.place.components
    shapes = cells.geometry.to_numpy()
    home = cells_of_components(components.geometry.to_numpy(), shapes)
    counts = np.bincount(home[home != NOWHERE], minlength=len(cells))
    built = built_cells(
        shapes,
        work.place.buildings.geometry.to_numpy(),
        open_share=work.config.cells.open_share,
    )
    work.found["cells"] = cells.assign(components=counts.astype(np.int64))
    work.found["component_figures"] = {
        "components_counted": int(counts.sum()),
        "components_in_no_cell": int((home == NOWHERE).sum()),
        "components_mean": float(counts[built].mean()) if len(built) else None,
        "components_cv": unevenness(counts[built].astype(float)),
    }
    work.notes.extend(no_cell_note(components["component_id"][home == NOWHERE].tolist()))
