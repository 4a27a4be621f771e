"""What the steps of a run share: what was found so far, and the options of the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gridplan.access import AccessOptions, WalkingSpeeds
from gridplan.config import Config
from gridplan.errors import Note
from gridplan.network import NetworkOptions
from gridplan.place import Place
from gridplan.siting import Stop


@dataclass
class Work:
    """What the steps have found so far; each step adds its own entries."""

    place: Place
    config: Config
    found: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is called, which layers and settings it reads, what it calls."""

    name: str
    layers: tuple[str, ...]
    settings: tuple[str, ...]
    after: tuple[str, ...]
    function: Callable[[Work], None]


def network_options(config: Config) -> NetworkOptions:
    """Return the network's options as the settings give them."""
    return NetworkOptions(**config.network.model_dump())


def access_options(config: Config) -> AccessOptions:
    """Return the options of the walks' figures as the settings give them."""
    settings = config.access
    speeds = WalkingSpeeds(metres_per_s=MappingProxyType(dict(settings.speeds)))
    return AccessOptions(
        worst=settings.worst,
        aversion=settings.aversion,
        speeds=speeds,
        nearest_k=settings.nearest_k,
    )
