"""Steps: the walking network, the residents, the cells."""

from __future__ import annotations

import geopandas as gpd
import shapely

from gridplan import assemble
from gridplan.answers.words import WALL, YES
from gridplan.cells import CellOptions, assign_codes, cell_uids, partition
from gridplan.config import Config
from gridplan.demand import first_containing, spread_residents
from gridplan.network import assumed_note, proposal_note, propose_gates, wall_notes, wall_variants
from gridplan.place import Place
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
    work.notes.extend(
        wall_notes(
            network,
            buildings=place.buildings,
            barriers=place.barriers,
            water=place.water,
            blocks=blocks,
        )
    )


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


def coded_cells(place: Place, config: Config) -> gpd.GeoDataFrame:
    """Return the cells of a place with their codes."""
    options = CellOptions(method=config.cells.method, target_m2=config.cells.target_m2)
    cells = partition(place.communities, options=options)
    return cells.assign(cell_id=assign_codes(cells, target_m2=options.target_m2))


def add_cells(work: Work) -> None:
    """Draw the cells and count their residents."""
    cells = coded_cells(work.place, work.config)
    cells["cell_uid"] = cell_uids(cells)
    demand = work.found["demand"]
    demand["cell_uid"] = first_containing(demand.geometry.to_numpy(), cells, "cell_uid")
    work.found["cells"] = assemble.cells_with_residents(cells, demand)
