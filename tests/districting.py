"""Published districting instances, read as problems for tests and benchmarks."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from gridplan.zones import DistrictProblem

EARTH_KM = 6371.0
COUNTIES = {"AL": "county01", "AR": "county05", "IA": "county19"}
CTDP = {"2DU60-05-1": 5305.57, "2DU60-05-4": 5935.67, "2DU80-05-15": 7004.90}
"""The best values that the source lists."""


def county_problem(folder: Path, state: str) -> tuple[DistrictProblem, float]:
    """Return a state's counties, in 10^6 persons km2, and what the listed plan costs."""
    graph = json.loads((folder / f"{COUNTIES[state]}.json").read_text(encoding="utf-8"))
    units = graph["nodes"]
    place = {unit["id"]: at for at, unit in enumerate(units)}
    ends = {
        tuple(sorted((place[unit["id"]], place[other["id"]])))
        for unit, others in zip(units, graph["adjacency"], strict=True)
        for other in others
    }
    left, right = np.array(sorted(ends)).T
    lat, lon = (
        np.radians([float(unit[f"INTPT{name}10"]) for unit in units]) for name in ("LAT", "LON")
    )
    half = np.sin((lat[:, None] - lat) / 2) ** 2
    half += np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    km = 2 * EARTH_KM * np.arcsin(np.sqrt(half))
    people = np.array([float(unit["POP10"]) for unit in units])
    with (folder / "best_known.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    [row] = [
        one
        for one in rows
        if (one["state"], one["model_hess_nocontiguity_lcut_contiguity"]) == (state, "lcut")
    ]
    problem = DistrictProblem(
        left=left,
        right=right,
        weights=people[:, None],
        cost=people[:, None] * km**2 / 1e6,
        k=int(row["k"]),
        lower=np.array([float(row["L"])]),
        upper=np.array([float(row["U"])]),
        ids=tuple(unit["GEOID10"] for unit in units),
    )
    return problem, float(row["recomputed_haversine_1e6"])


def listed_plan(folder: Path, state: str, problem: DistrictProblem) -> np.ndarray:
    """Return the district of each county in the listed connected plan."""
    lines = (folder / f"{state}_lcut.blk").read_text(encoding="utf-8").split("\n")
    district = dict(line.split() for line in lines if line)
    return np.unique([district[str(one)] for one in problem.ids], return_inverse=True)[1]


def territory_problem(folder: Path, name: str) -> DistrictProblem:
    """Return a commercial territory design problem: basic units with three activities."""
    lines = (folder / f"{name}-edited.dat").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    count = int(rows[0][0])
    units = np.array(rows[1 : count + 1], dtype=float)
    edges = int(rows[count + 1][0])
    ends = np.array([row[:2] for row in rows[count + 2 : count + 2 + edges]], dtype=np.intp)
    k, _, *tolerances = rows[count + 2 + edges]
    place, weights = units[:, 1:3], units[:, 3:6]
    tolerance = np.array(tolerances[: weights.shape[1]], dtype=float)
    mean = weights.sum(axis=0) / int(k)
    return DistrictProblem(
        left=ends.min(axis=1),
        right=ends.max(axis=1),
        weights=weights,
        cost=np.hypot(*(place[:, None] - place).transpose(2, 0, 1)),
        k=int(k),
        lower=mean * (1 - tolerance),
        upper=mean * (1 + tolerance),
    )
