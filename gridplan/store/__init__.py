"""A plan on disk: GeoPackage, JSON and the run's folder."""

from gridplan.store.folder import check_target, is_run, mend, write_file
from gridplan.store.geopackage import read_geopackage, read_layers, write_geopackage
from gridplan.store.run import make_manifest, read_run, write_run

__all__ = [
    "check_target",
    "is_run",
    "make_manifest",
    "mend",
    "read_geopackage",
    "read_layers",
    "read_run",
    "write_file",
    "write_geopackage",
    "write_run",
]
