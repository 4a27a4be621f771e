"""A plan on disk: GeoPackage, JSON and the run's folder."""

from gridplan.store.drawn import read_drawn, require_something_to_verify
from gridplan.store.fieldfile import FIELD_FILES, check_field_target, write_field_check
from gridplan.store.folder import is_run, make_folder, mend, write_file
from gridplan.store.geopackage import (
    layer_names,
    read_geopackage,
    read_layers,
    read_meta,
    summary_of,
    write_geopackage,
)
from gridplan.store.names import safe_name
from gridplan.store.run import make_manifest, read_manifest, read_run, read_summary, write_run
from gridplan.store.signfile import SIGN_FILES, check_sign_target, write_confirmation
from gridplan.store.target import (
    check_folder,
    check_places_file,
    check_target,
    keep_inputs,
    resolve_target,
)

__all__ = [
    "FIELD_FILES",
    "SIGN_FILES",
    "check_field_target",
    "check_folder",
    "check_places_file",
    "check_sign_target",
    "check_target",
    "is_run",
    "keep_inputs",
    "layer_names",
    "make_folder",
    "make_manifest",
    "mend",
    "read_drawn",
    "read_geopackage",
    "read_layers",
    "read_manifest",
    "read_meta",
    "read_run",
    "read_summary",
    "require_something_to_verify",
    "resolve_target",
    "safe_name",
    "summary_of",
    "write_confirmation",
    "write_field_check",
    "write_file",
    "write_geopackage",
    "write_run",
]
