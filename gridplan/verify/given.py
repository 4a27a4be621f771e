"""A grid that an office has already: its faults are facts of the plan, told and not mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from gridplan.verify.findings import Finding
from gridplan.verify.world import World

GIVEN = "given"
"""How such cells are called in ``summary["cells"]["method"]``."""

GIVEN_RULES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "cells": frozenset(
            {"multipart", "gap", "outside", "overlap", "shape_repeated", "community_crossed"}
        ),
        "zones": frozenset({"multipart"}),
        "demand": frozenset({"demand_in_no_cell"}),
    }
)
"""Rules that the grid of an office may break, by layer; beside them those of codes."""


def as_facts(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings as remarks."""
    return tuple(replace(one, severity="soft") for one in findings)


def of_the_office(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, those that the grid was given with as remarks."""
    return [
        replace(one, severity="soft") if one.rule in GIVEN_RULES.get(one.layer, ()) else one
        for one in findings
    ]


def known_overlap(world: World) -> float:
    """Return the area that cells of an office's grid have in common; of others nothing may be."""
    if world.cells_method != GIVEN or not world.has("cells", "geometry"):
        return 0.0
    return float(world.pairs["area_m2"].sum())
