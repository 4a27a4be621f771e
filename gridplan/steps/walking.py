"""Step: how far everybody walks to a committee, and who cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.access import (
    barred_note,
    basis_of,
    committee_walks,
    community_committees,
    least_of,
    measure_walks,
    nearest_by_kind,
    own_committees,
    service_points,
    step_free_committee_walks,
    wall_range_columns,
)
from gridplan.network import cut_off_notes, reachability_ledger
from gridplan.steps.work import Work, network_options


def add_access(work: Work) -> None:
    """Measure every walk to a committee, without stairs too, and list who is cut off."""
    walks = measure_walks(
        work.place,
        work.found["demand"],
        work.found["network"],
        work.found["blocks"],
        options=network_options(work.config),
    )
    table = community_committees(work.place)
    work.found["walks"] = walks
    work.found["community_committees"] = table
    demand = committee_walks(work.place, work.found["demand"], walks, work.found["network"], table)
    own = own_committees(demand, work.place.committees, table)
    work.found["demand"] = demand
    work.found["bases"] = {
        "committee": basis_of(demand, "committee", service_points(work.place), allowed=own)
    }
    work.found["nearest_by_kind"] = nearest_by_kind(work.place, demand, walks)
    level = step_free_committee_walks(
        work.place,
        demand,
        walks,
        work.found["network"],
        work.found["blocks"],
        options=network_options(work.config),
    )
    work.found["step_free_m"] = least_of(level, own)
    _wall_range(work, table)
    told = [*range(walks.committees), *range(walks.first_point, walks.first_gate)]
    names = walks.ids[: walks.first_gate]
    work.notes.extend(cut_off_notes(work.found["network"], walks.facilities, names, told=told))
    residents = work.found["demand"]["population"].fillna(0).to_numpy(dtype=float)
    barred_by = np.where(walks.doors.is_barred, walks.doors.detour, "")
    work.notes.extend(barred_note(demand["demand_id"].to_numpy(), residents, barred_by))
    work.found["ledger"] = reachability_ledger(
        work.found["network"],
        doors=walks.doors,
        residents=residents,
        facilities=walks.facilities,
        names=names,
        blocks=work.found["blocks"],
    )


def _wall_range(work: Work, table: pd.DataFrame) -> None:
    """Measure the walks once more with unknown walls closed, where there are any."""
    walled, demand = work.found["walled"], work.found["demand"]
    if walled is None:
        return
    walks = measure_walks(
        work.place,
        demand,
        walled.network,
        walled.blocks,
        options=network_options(work.config),
        committees_only=True,
        doors=work.found["walks"].doors.if_walled,
    )
    columns = wall_range_columns(work.place, demand, walks, table)
    work.found["demand"] = pd.concat([demand, columns], axis="columns")
