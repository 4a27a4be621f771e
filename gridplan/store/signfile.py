"""The confirmation of one boundary: the page to sign, and the land as a GeoPackage."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pyogrio

from gridplan.errors import Message
from gridplan.store.beside import check_beside
from gridplan.store.folder import staged
from gridplan.store.geopackage import fixed_clock

SIGN_FILES = ("confirmation.html", "parcels.gpkg")
"""What the folder of a confirmation holds."""


def write_confirmation(
    parcels: gpd.GeoDataFrame, page: str, folder: Path, *, as_of: dt.date
) -> None:
    """
    Write the folder of a confirmation, whole or not at all.

    Parameters
    ----------
    parcels : GeoDataFrame
        ``places`` of `gridplan.unify.parcels`.
    page : str
    as_of : date
        Written as the date of the file, so that the same plan gives the same bytes.
    """
    with staged(folder) as aside:
        (aside / SIGN_FILES[0]).write_text(page, encoding="utf-8")
        with fixed_clock(as_of):
            pyogrio.write_dataframe(
                parcels,
                aside / SIGN_FILES[1],
                layer="parcels",
                driver="GPKG",
                geometry_type="Polygon",
            )


def check_sign_target(folder: Path, *, replace: bool, run: Path) -> None:
    """
    Refuse a folder that must not be written.

    Raises
    ------
    OutputError
    """
    what = Message(en="confirmation", zh="边界确认书")
    check_beside(folder, SIGN_FILES, what=what, replace=replace, run=run)
