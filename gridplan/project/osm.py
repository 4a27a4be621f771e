"""The layers of a place that consists of an OpenStreetMap file."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.cells import CodeProfile
from gridplan.errors import InputError, Message, first_ids
from gridplan.sources.osm import OsmExtract, kinds_from_landuse

_NATURAL_BARRIERS = ("river", "canal", "rail")
"""
Lines of an OSM file that no leg may cross. Its walls and fences are not among them: garden
walls are mapped without their gates, and would shut residents in who walk out every day.
"""


def osm_layer(extract: OsmExtract, layer: str) -> gpd.GeoDataFrame | None:
    """Return a layer as the file gives it, in degrees; None where the file cannot give it."""
    if layer == "buildings":
        return kinds_from_landuse(extract.buildings, extract.residential, extract.landuse)
    if layer == "estates":
        return extract.residential
    if layer == "barriers":
        return extract.barriers[extract.barriers["kind"].isin(_NATURAL_BARRIERS)]
    if layer in {"streets", "water", "gates"}:
        frame: gpd.GeoDataFrame = getattr(extract, layer)
        return frame
    return None


def select_areas(extract: OsmExtract, tags: Mapping[str, str], *, what: str) -> gpd.GeoDataFrame:
    """
    Return the administrative areas with the tags asked for.

    Raises
    ------
    InputError
        If there is none; the message lists the levels and names there are.
    """
    found = _with_tags(extract.areas, tags)
    if found.empty:
        levels = extract.areas.groupby("admin_level")["name"].agg(list).to_dict()
        have = "; ".join(f"{level}: {first_ids(names)}" for level, names in sorted(levels.items()))
        raise InputError(
            Message(
                en=f"[place].{what}: the OSM file has no administrative area with {dict(tags)}. "
                f"It has (admin_level: names) {have or 'none'}.",
                zh=f"[place].{what}：OSM 文件中没有标签为 {dict(tags)} 的行政区。"
                f"现有（admin_level：名称）：{have or '无'}。",
            )
        )
    return found


def select_points(extract: OsmExtract, tags: Mapping[str, str], *, what: str) -> gpd.GeoDataFrame:
    """Return the places that the tags select, each once, with the columns of committees."""
    found = _with_tags(extract.pois, tags)
    if found.empty:
        raise InputError(
            Message(
                en=f"[place].{what}: the OSM file has no object with {dict(tags)}. "
                f"Choose other tags, or give a table.",
                zh=f"[place].{what}：OSM 文件中没有标签为 {dict(tags)} 的对象，"
                f"请更换标签或提供表格。",
            )
        )
    found = found.drop_duplicates("osm_id").sort_values("osm_id")
    return gpd.GeoDataFrame(
        {
            "committee_id": found["osm_id"],
            "name": found["name"].where(found["name"].notna(), found["osm_id"]),
            "kind": ["+".join(f"{k}={v}" for k, v in tags.items())] * len(found),
        },
        geometry=found.geometry.to_numpy(),
        crs=found.crs,
    )


def sites_from_points(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return places that tags selected as candidate sites that nobody has checked."""
    return gpd.GeoDataFrame(
        {
            "site_id": "s-" + points["committee_id"],
            "name": points["name"],
            "kind": "candidate",
            "assumed": True,
        },
        geometry=points.geometry.to_numpy(),
        crs=points.crs,
    )


def facilities_from_points(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return places that tags selected as facilities; their kind is what the tags say."""
    return gpd.GeoDataFrame(
        {
            "facility_id": "f-" + points["committee_id"],
            "kind": points["kind"],
            "name": points["name"],
        },
        geometry=points.geometry.to_numpy(),
        crs=points.crs,
    )


def components_from_points(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return places that tags selected as municipal components of the kind the tags say."""
    return gpd.GeoDataFrame(
        {"component_id": "m-" + points["committee_id"], "kind": points["kind"]},
        geometry=points.geometry.to_numpy(),
        crs=points.crs,
    )


def _with_tags(frame: gpd.GeoDataFrame, tags: Mapping[str, str]) -> gpd.GeoDataFrame:
    chosen = pd.Series(data=True, index=frame.index)
    for key, value in tags.items():
        if key in frame:
            chosen &= frame[key].astype("string").fillna("") == value
        elif {"key", "value"} <= set(frame.columns):
            chosen &= (frame["key"] == key) & (frame["value"] == value)
        else:
            chosen &= False
    selected: gpd.GeoDataFrame = frame[chosen]
    return selected


def communities_from_areas(areas: gpd.GeoDataFrame, profile: CodeProfile) -> gpd.GeoDataFrame:
    """Return communities; a `ref` as `profile` has it is the code, else a place-holder."""
    ordered = areas.assign(sort=areas["name"].fillna(areas["osm_id"])).sort_values(
        ["sort", "osm_id"], kind="stable"
    )
    ref = ordered["ref"].astype("string").fillna("")
    official = ref.str.fullmatch(profile.community_pattern).to_numpy(dtype=bool)
    numbers = [_placeholder(number, profile) for number in range(1, len(ordered) + 1)]
    return gpd.GeoDataFrame(
        {
            "community_id": np.where(official, ref, numbers),
            "name": ordered["sort"].to_numpy(),
            "official": official,
        },
        geometry=ordered.geometry.to_numpy(),
        crs=areas.crs,
    )


def _placeholder(number: int, profile: CodeProfile) -> str:
    # Zeros stand where county and street would: no official code begins so.
    return f"{number:0{profile.community_length}d}"


def single_community(
    boundary: gpd.GeoDataFrame, *, name: str, code: str | None, profile: CodeProfile
) -> gpd.GeoDataFrame:
    """Return the whole place as one community, with a place-holder code unless one is given."""
    return gpd.GeoDataFrame(
        {
            "community_id": [code or _placeholder(1, profile)],
            "name": [name],
            "official": [code is not None],
        },
        geometry=[shapely.union_all(boundary.geometry.to_numpy())],
        crs=boundary.crs,
    )


def assumed_sites(
    buildings: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, *, public: bool
) -> gpd.GeoDataFrame:
    """
    Return candidate sites nobody named: the largest building of each estate.

    With `public` also every public building. All are marked ``assumed``; the
    floor area is the footprint.
    """
    points = shapely.point_on_surface(buildings.geometry.to_numpy())
    sized = buildings.assign(footprint_m2=buildings.geometry.area).set_geometry(
        gpd.GeoSeries(points, index=buildings.index, crs=buildings.crs)
    )
    tree = shapely.STRtree(points)
    estate, row = tree.query(estates.geometry.to_numpy(), predicate="intersects")
    inside = sized.iloc[row].assign(estate_id=estates["estate_id"].to_numpy()[estate])
    largest = inside.sort_values(
        ["estate_id", "footprint_m2", "building_id"], ascending=[True, False, True]
    ).drop_duplicates("estate_id")
    chosen = [largest]
    if public:
        chosen.append(sized[sized["kind"] == "public"].assign(estate_id=None))
    sites = pd.concat(chosen, ignore_index=True).drop_duplicates("building_id")
    return gpd.GeoDataFrame(
        {
            "site_id": "s-" + sites["building_id"],
            "name": sites.get("name"),
            "kind": "candidate",
            "estate_id": sites["estate_id"],
            "area_m2": sites["footprint_m2"],
            "assumed": True,
        },
        geometry=sites.geometry.to_numpy(),
        crs=buildings.crs,
    )
