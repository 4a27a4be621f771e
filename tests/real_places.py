"""Projects on real data of the shared folder, written into a scratch folder by the tests."""

from __future__ import annotations

NEWPORT = """
[place]
name = "Newport"
as_of = 2026-06-30
osm = '{osm}'
boundary = "communities"
communities = {{ osm = {{ admin_level = "10" }} }}
committees = {{ osm = {{ amenity = "community_centre" }} }}
sites = "estates"
population = 60000

[siting]
p = 12
"""

HAIDIAN = """
[place]
name = "清华园周边"
as_of = 2026-06-30
osm = '{osm}'
boundary = "box"
communities = "none"
committees = "facilities.csv"
sites = "sites.csv"
population = 20000

[siting]
p = 4
"""


def newport_project(folder, shared_data):
    """Write the settings of Newport; return their path."""
    toml = folder / "newport.toml"
    osm = shared_data / "newport" / "newport.osm.pbf"
    toml.write_text(NEWPORT.format(osm=osm.as_posix()), encoding="utf-8")
    return toml


def haidian_project(folder, shared_data, facilities, sites):
    """Write the settings of Beijing Haidian and its two tables; return the settings' path."""
    toml = folder / "haidian.toml"
    osm = shared_data / "cn_osm" / "beijing_haidian_tsinghua.osm"
    toml.write_text(HAIDIAN.format(osm=osm.as_posix()), encoding="utf-8")
    (folder / "facilities.csv").write_text(facilities, encoding="utf-8")
    (folder / "sites.csv").write_text(sites, encoding="utf-8")
    return toml
