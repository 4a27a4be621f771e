"""A project on real data, written into a scratch folder by the tests."""

from __future__ import annotations

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


def haidian_project(folder, osm, facilities, sites):
    """Write the settings of Beijing Haidian and its two tables; return the settings' path."""
    toml = folder / "haidian.toml"
    toml.write_text(HAIDIAN.format(osm=osm.as_posix()), encoding="utf-8")
    (folder / "facilities.csv").write_text(facilities, encoding="utf-8")
    (folder / "sites.csv").write_text(sites, encoding="utf-8")
    return toml
