"""What a check says: findings, the raw figures it measured, and the report of all checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import shapely

from gridplan.errors import Message

Severity = Literal["hard", "soft"]


@dataclass(frozen=True, slots=True)
class Tolerances:
    """
    How much may be wrong before a check says so.

    Attributes
    ----------
    area_m2 : float
        Total area that a tiling may leave, doubly use or let cross a line, and
        the part of a building that may lie in a second cell.
    part_m2 : float
        Smaller gaps and overlaps are the rounding of coordinates (1 mm by 1 mm).
    column_m2 : float
        Between an area column and the shape it describes; columns may be rounded.
    contact_m : float
        Shapes nearer than this meet, as far as neighbourhood is concerned: layers
        drawn by hand rarely share their vertices.
    border_m : float
        Shapes that only come near, without a common line, are neighbours when they
        do so along at least this length; at a corner it is less.
    sliver_m : float
        Shapes narrower than this, measured as 2 A / P, are slivers.
    residents : float
        Between two counts of residents.
    distance_m : float
        Between a distance and the same computed again.
    straight_m : float
        By which a walk may fall short of the straight line.
    ratio : float
        Relative, between an objective and the same computed again.
    proven_gap : float
        Largest gap of a siting that may be called proven.
    zone_share : float or None
        Share by which the residents of zones that are drawn by hand may differ from the mean
        of their system; None: nobody asked for one.
    """

    area_m2: float = 0.01
    part_m2: float = 1e-6
    column_m2: float = 0.05
    contact_m: float = 0.01
    border_m: float = 0.1
    sliver_m: float = 2.0
    residents: float = 0.01
    distance_m: float = 0.01
    straight_m: float = 1.0
    ratio: float = 1e-6
    proven_gap: float = 1e-9
    zone_share: float | None = None


STANDARD = Tolerances()
"""The tolerances of the contract."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One rule that one layer breaks, and where.

    Attributes
    ----------
    rule : str
        Key of `gridplan.verify.wording.RULES`.
    severity : {"hard", "soft"}
        A plan with a hard finding must not be used as it is.
    count : int
        How many objects break the rule.
    ids : tuple of str
        All of them, worst or first first.
    message : Message
        What was found, what was expected, what to do next.
    layer : str
        The layer in question.
    amount : float
        How much is wrong, in `unit`; 0.0 where only the count says anything.
    unit : str
        ``"m2"``, ``"m"``, ``"residents"`` or empty.
    where : geometry or None
        The places, for a map.
    """

    rule: str
    severity: Severity
    count: int
    ids: tuple[str, ...]
    message: Message
    layer: str = ""
    amount: float = 0.0
    unit: str = ""
    where: shapely.Geometry | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """Result of one check: what it found and the raw figures it measured."""

    findings: tuple[Finding, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """
    Result of all checks that the layers of a plan allow.

    Attributes
    ----------
    findings : tuple of Finding
        Hard ones first, then by rule and layer.
    proofs : mapping
        ``tiling_error_m2``, ``buildings_cut``, ``communities_crossed``,
        ``zones_disconnected``: raw figures; None where the layers needed are absent.
    figures : mapping
        All other raw figures.
    checked : tuple of str
        Names of the checks that ran.
    skipped : mapping of name to tuple of str
        The checks that could not run, and the layers to add for each; of ``a | b`` one
        is enough.
    """

    findings: tuple[Finding, ...]
    proofs: Mapping[str, float | None]
    figures: Mapping[str, float]
    checked: tuple[str, ...]
    skipped: Mapping[str, tuple[str, ...]]

    @property
    def ok(self) -> bool:
        """Whether no hard rule is broken."""
        return not any(finding.severity == "hard" for finding in self.findings)

    def of_rule(self, rule: str) -> tuple[Finding, ...]:
        """Return the findings of one rule."""
        return tuple(finding for finding in self.findings if finding.rule == rule)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, hard ones first, then by rule, layer and ids."""
    return tuple(
        sorted(findings, key=lambda one: (one.severity != "hard", one.rule, one.layer, one.ids))
    )


def joined(parts: Sequence[Checked]) -> Checked:
    """Return several checks as one: all findings, all figures."""
    figures: dict[str, float] = {}
    for part in parts:
        figures |= part.figures
    return Checked(tuple(one for part in parts for one in part.findings), figures)
