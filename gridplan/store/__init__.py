"""A plan on disk: GeoPackage, JSON and the run's folder."""

from gridplan.store.drawn import read_drawn, require_something_to_verify
from gridplan.store.folder import check_target, is_run, mend, write_file
from gridplan.store.geopackage import (
    layer_names,
    read_geopackage,
    read_layers,
    read_meta,
    summary_of,
    write_geopackage,
)
from gridplan.store.run import make_manifest, read_run, read_summary, write_run

__all__ = [
    "check_target",
    "is_run",
    "layer_names",
    "make_manifest",
    "mend",
    "read_drawn",
    "read_geopackage",
    "read_layers",
    "read_meta",
    "read_run",
    "read_summary",
    "require_something_to_verify",
    "summary_of",
    "write_file",
    "write_geopackage",
    "write_run",
]
