"""``python -m gridplan.sources.demo``: print the figures of the demo town, or write it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gridplan.sources.demo import DemoOptions, make_town, write_project
from gridplan.sources.demo.facts import measure


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one figure per line; with ``--out``, write the project first."""
    default = DemoOptions()
    parser = argparse.ArgumentParser(prog="python -m gridplan.sources.demo", description=__doc__)
    parser.add_argument("--population", type=int, default=default.population)
    parser.add_argument("--area-km2", type=float, default=default.area_km2)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--out", type=Path, help="folder to write the project to")
    given = parser.parse_args(arguments)
    town = make_town(
        DemoOptions(population=given.population, area_km2=given.area_km2, seed=given.seed)
    )
    if given.out is not None:
        sys.stdout.write(f"{write_project(town, given.out)}\n")
    for name, figure in measure(town).items():
        sys.stdout.write(f"{name}: {figure}\n")


if __name__ == "__main__":
    main()
