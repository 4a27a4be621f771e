"""gridplan: cells, zones, walking access and activity rooms for a sub-district, with proofs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridplan.pipeline import run as run
    from gridplan.plan import Plan as Plan
    from gridplan.project import read_project as read_project
    from gridplan.routing import routes as routes
    from gridplan.store import read_run as read_run

__version__ = "0.1.0"

_HOME = {
    "Config": "gridplan.config",
    "Place": "gridplan.place",
    "Plan": "gridplan.plan",
    "read_project": "gridplan.project",
    "read_run": "gridplan.store",
    "routes": "gridplan.routing",
    "run": "gridplan.pipeline",
}

__all__ = ["Config", "Place", "Plan", "__version__", "read_project", "read_run", "routes", "run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the room holds
    """Import a public name when it is first used: `import gridplan` itself stays light."""
    if name not in _HOME:
        msg = f"module 'gridplan' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
