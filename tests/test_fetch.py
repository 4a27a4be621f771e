"""Tests of `gridplan.sources.fetch` on a recorded answer: no test uses the network."""

from __future__ import annotations

import builtins
import datetime as dt
import json
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from gridplan.errors import (
    GridplanError,
    InputError,
    MissingPackageError,
    OutputError,
    SettingsError,
)
from gridplan.sources.fetch import WANTED, fetch_extract, parse_box
from gridplan.sources.osm import read_osm

BOX = "120.95,31.44,120.99,31.48"

NODES = {
    1: (120.96, 31.45), 2: (120.97, 31.45), 3: (120.98, 31.45), 4: (120.97, 31.46),
    11: (120.961, 31.451), 12: (120.962, 31.451), 13: (120.962, 31.452), 14: (120.961, 31.452),
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "version": 0.6,
    "generator": "Overpass API",
    "osm3s": {
        "timestamp_osm_base": "2026-06-30T21:58:03Z",
        "copyright": "The data included in this document is from www.openstreetmap.org.",
    },
    "elements": [
        # As the service sends them: no order across kinds, some more than once.
        {"type": "way", "id": 52, "nodes": [2, 4], "tags": {"highway": "footway"}},
        {
            "type": "relation",
            "id": 71,
            "members": [{"type": "way", "ref": 61, "role": "outer"}],
            "tags": {"type": "multipolygon", "building": "school", "name": "新镇小学"},
        },
        *(
            {"type": "node", "id": node, "lon": lon, "lat": lat}
            for node, (lon, lat) in reversed(NODES.items())
        ),
        {
            "type": "way",
            "id": 51,
            "nodes": [1, 2, 3],
            "tags": {"highway": "residential", "name": '人民路 "<&\x0b北'},
        },
        {"type": "way", "id": 61, "nodes": [11, 12, 13, 14, 11]},
        {
            "type": "node",
            "id": 20,
            "lon": 120.965,
            "lat": 31.455,
            "tags": {"office": "government", "name": "居委会"},
        },
        {"type": "way", "id": 52, "nodes": [2, 4], "tags": {"highway": "footway"}},
    ],
}
PLACES = [
    {
        "place_id": 1,
        "osm_type": "relation",
        "osm_id": 9,
        "lat": "31.46",
        "lon": "120.97",
        "class": "boundary",
        "type": "administrative",
        "place_rank": 16,
        "importance": 0.5,
        "addresstype": "town",
        "name": "周市镇",
        "display_name": "周市镇, 昆山市",
        "boundingbox": ["31.44", "31.48", "120.95", "120.99"],
        "geojson": {
            "type": "Polygon",
            "coordinates": [
                [[120.95, 31.44], [120.99, 31.44], [120.97, 31.48], [120.95, 31.44]],
            ],
        },
    }
]


def response(url: str, content: object, status: int = 200) -> requests.Response:
    made = requests.Response()
    made.status_code, made.url, made.reason = status, url, "test"
    text = content if isinstance(content, str) else json.dumps(content)
    made._content = text.encode()
    made.encoding = "utf-8"
    return made


class Service:
    """Stands in for the network: answers by address, and keeps what was asked."""

    def __init__(self, *, overpass: object = ANSWER, places: object = PLACES) -> None:
        self.overpass, self.places = overpass, places
        self.asked: list[tuple[str, Any]] = []

    def get(self, url: str, params: object = None, **_: object) -> requests.Response:
        self.asked.append((url, params))
        if url.endswith("/status"):
            return response(url, "Connected\nTime\nRate limit: 2\n\n2 slots available now.\n")
        return response(url, self.places)

    def post(self, url: str, data: object = None, **_: object) -> requests.Response:
        self.asked.append((url, data))
        return response(url, self.overpass)


@pytest.fixture
def serve(monkeypatch) -> Callable[..., Service]:
    def start(**answers: object) -> Service:
        service = Service(**answers)
        monkeypatch.setattr(requests, "get", service.get)
        monkeypatch.setattr(requests, "post", service.post)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        monkeypatch.setattr(socket, "gethostbyname", lambda _: "192.0.2.1")
        return service

    return start


class TestFetching:
    def test_a_box_gives_a_file_that_is_read(self, tmp_path, serve):
        serve()
        out = tmp_path / "新镇.osm"
        assert fetch_extract(BOX, out) == dt.date(2026, 6, 30)
        extract = read_osm(out)
        assert extract.streets["street_id"].tolist() == ["w51-0", "w51-1", "w52-0"]
        assert extract.streets["name"].tolist()[0] == '人民路 "<&北'
        assert extract.buildings[["osm_id", "kind", "name"]].to_numpy().tolist() == [
            ["r71", "public", "新镇小学"]
        ]
        assert extract.pois["name"].tolist() == ["居委会", "新镇小学"]
        assert extract.timestamp == dt.date(2026, 6, 30)
        assert (extract.box, extract.box_source) == ((120.95, 31.44, 120.99, 31.48), "declared")
        assert extract.notes == ()

    def test_the_same_answer_gives_the_same_bytes(self, tmp_path, serve):
        serve()
        fetch_extract(BOX, tmp_path / "a.osm")
        turned = ANSWER | {"elements": ANSWER["elements"][::-1]}
        serve(overpass=turned)
        fetch_extract(BOX, tmp_path / "b.osm")
        assert (tmp_path / "a.osm").read_bytes() == (tmp_path / "b.osm").read_bytes()
        assert sorted(one.name for one in tmp_path.iterdir()) == ["a.osm", "b.osm"]

    def test_all_that_is_read_is_asked_for_around_the_place(self, tmp_path, serve):
        service = serve()
        fetch_extract(BOX, tmp_path / "a.osm", buffer_m=1_000)
        ((_, data),) = [one for one in service.asked if one[0].endswith("/interpreter")]
        query = data["data"]
        assert all(f"['{key}'" in query for key in WANTED)
        numbers = query.split("(poly:'")[1].split("'")[0].split()
        south, west = min(map(float, numbers[::2])), min(map(float, numbers[1::2]))
        assert 31.44 - south == pytest.approx(1_000 / 110_900, rel=0.05)
        assert 120.95 - west == pytest.approx(1_000 / 95_000, rel=0.05)

    def test_a_name_is_looked_up(self, tmp_path, serve):
        service = serve()
        fetch_extract("昆山市周市镇", tmp_path / "a.osm")
        assert any(params and params.get("q") == "昆山市周市镇" for _, params in service.asked)
        assert read_osm(tmp_path / "a.osm").box == (120.95, 31.44, 120.99, 31.48)

    def test_nothing_stays_changed(self, tmp_path, serve, monkeypatch):
        import osmnx

        serve()
        monkeypatch.chdir(tmp_path)
        before = (dict(vars(osmnx.settings)), socket.getaddrinfo)
        fetch_extract(BOX, tmp_path / "a.osm")
        assert (dict(vars(osmnx.settings)), socket.getaddrinfo) == before
        assert [one.name for one in tmp_path.iterdir()] == ["a.osm"]


class TestFaults:
    @pytest.mark.parametrize("place", [BOX, "周市镇"])
    def test_no_network_is_said_in_words(self, tmp_path, monkeypatch, place):
        def refuse(*_: object, **__: object) -> None:
            raise requests.exceptions.ConnectionError

        monkeypatch.setattr(requests, "get", refuse)
        monkeypatch.setattr(requests, "post", refuse)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        with pytest.raises(GridplanError, match=r"cannot be reached \(ConnectionError\)") as caught:
            fetch_extract(place, tmp_path / "a.osm")
        assert "无法连接" in caught.value.lines("zh")[0]
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "answer",
        [
            ANSWER | {"remark": "runtime error: Query timed out"},
            {"elements": ANSWER["elements"]},
            "<html>busy</html>",
        ],
    )
    def test_an_answer_cut_short_is_refused(self, tmp_path, serve, answer):
        serve(overpass=answer)
        with pytest.raises(InputError, match="gave no whole answer"):
            fetch_extract(BOX, tmp_path / "a.osm")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("elements", [[], ANSWER["elements"][1:2]])
    def test_a_place_without_streets_is_refused(self, tmp_path, serve, elements):
        serve(overpass=ANSWER | {"elements": elements})
        with pytest.raises(InputError, match=r"has no streets in '120\.95,"):
            fetch_extract(BOX, tmp_path / "a.osm")

    @pytest.mark.parametrize("places", [[], [PLACES[0] | {"geojson": {"type": "Point"}}]])
    def test_an_unknown_place_is_refused(self, tmp_path, serve, places):
        serve(places=places)
        with pytest.raises(InputError, match="knows no area named '无此地'"):
            fetch_extract("无此地", tmp_path / "a.osm")

    def test_a_large_place_is_refused(self, tmp_path, serve):
        serve()
        with pytest.raises(SettingsError, match=r"is 1[01],\d{3} km², too large"):
            fetch_extract("120,31,121,32", tmp_path / "a.osm")

    @pytest.mark.parametrize(
        "text", ["1,2,3", "3,2,1,4", "1,4,3,2", "31.4,120.9,31.5,121.0", "200,1,201,2", "1,,2,3"]
    )
    def test_what_is_no_box_is_refused(self, text):
        with pytest.raises(SettingsError, match=r"is no box\. Write west,south,east,north"):
            parse_box(text)

    def test_the_output_is_checked_before_anything_is_asked(self, tmp_path, serve):
        service = serve()
        with pytest.raises(SettingsError, match=r"a\.pbf does not end in \.osm"):
            fetch_extract(BOX, tmp_path / "a.pbf")
        with pytest.raises(OutputError, match="is no folder"):
            fetch_extract(BOX, tmp_path / "nowhere" / "a.osm")
        assert service.asked == []

    def test_a_missing_osmnx_names_the_extra(self, tmp_path, monkeypatch):
        real = builtins.__import__

        def without(name: str, *rest: object) -> object:
            if name == "osmnx":
                raise ImportError(name)
            return real(name, *rest)

        monkeypatch.delitem(sys.modules, "osmnx", raising=False)
        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingPackageError, match=r'pip install "gridplan\[osmnx\]"'):
            fetch_extract(BOX, tmp_path / "a.osm")
