"""Figures, map and report, as files: what is in them, and that they are the same every time."""

import base64
import io
import json
import re
import runpy
import struct
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from gridplan.errors import GridplanError
from gridplan.present import canvas, drawings, figures, labels, map_html, report_html, webmap
from gridplan.present.keys import proofs
from gridplan.present.webmap import UnknownAssetError, inline

TOWN = runpy.run_path(str(Path(__file__).with_name("test_present_town.py")))


class Page(HTMLParser):
    """Collects what a page asks for, its text and its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self._silent = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self._silent += tag in {"script", "style"}
        self.ids += [found["id"]] if "id" in found else []
        self.images += [found] if tag == "img" else []
        self.asked += [found[key] for key in ("src", "href", "srcset", "action") if found.get(key)]

    def handle_endtag(self, tag):
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data):
        if not self._silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def with_layers(plan, **layers):
    return type(plan)(plan.place, {**plan.layers, **layers}, plan.summary, plan.settings)


def with_summary(plan, **summary):
    return type(plan)(plan.place, plan.layers, {**plan.summary, **summary}, plan.settings)


@pytest.fixture(scope="module")
def plan():
    return TOWN["make_plan"](10)


@pytest.fixture(scope="module")
def drawn(plan):
    return figures(plan)


@pytest.fixture(scope="module")
def report(plan, drawn) -> str:
    return report_html(plan, figures=drawn)


# Figures.


def test_figures_have_their_names_and_stay_small(drawn) -> None:
    # Nobody asked for the frontier of two objectives.
    assert tuple(drawn) == drawings.FIGURES[:6]
    for content in drawn.values():
        assert len(content) <= canvas.LARGEST_BYTES
        picture = Image.open(io.BytesIO(content))
        assert round(picture.info["dpi"][0]) == canvas.DPI
        assert np.asarray(picture.convert("L")).std() > 5


def test_figures_are_the_same_bytes_and_hold_no_clock(plan, drawn) -> None:
    assert figures(plan) == drawn
    for content in drawn.values():
        kinds, at = set(), 8
        while at < len(content):
            size, kind = struct.unpack(">I4s", content[at : at + 8])
            kinds.add(kind)
            at += size + 12
        assert kinds <= {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"pHYs"}


def test_without_siting_there_is_no_picture_of_after(plan) -> None:
    today = with_summary(plan, access_after=None, siting=None)
    assert "03_walk_after.png" not in figures(today)


def test_the_settings_of_matplotlib_stay_as_they_were(drawn) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with canvas.drawing("en"):
        assert mpl.rcParams["font.family"][0].startswith("Noto Sans")
    assert dict(mpl.rcParams) == before
    assert drawn


def test_a_large_figure_is_reduced_and_red_stays_red(monkeypatch) -> None:
    monkeypatch.setattr(canvas, "LARGEST_BYTES", 40_000)
    noise = np.random.default_rng(1).uniform(0.4, 1.0, (300, 300))
    with canvas.drawing("zh"):
        figure = canvas.new_figure(4, 4)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(noise, cmap="gray", vmin=0, vmax=1)
        axes.plot([150], [150], "o", color=canvas.ACCENT, markersize=6)
        content = canvas.png(figure)
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    red = (pixels[..., 0] - pixels[..., 1:].max(axis=-1)) > 100
    assert len(content) < 100_000
    assert red.sum() > 30


def test_polygons_of_one_colour_are_one_path_and_their_holes_stay_open() -> None:
    ring = shapely.box(0, 0, 30, 100).difference(shapely.box(10, 10, 20, 20))
    others = [shapely.box(40 + 4 * i, 0, 43 + 4 * i, 100) for i in range(10)]
    colours = ["#ff0000", *(["#00ff00", "#0000ff"] * 5)]
    with canvas.drawing("zh"):
        figure = canvas.new_figure(1, 1)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 100), ylim=(0, 100))
        axes.set_axis_off()
        canvas.polygons(axes, np.array([ring, *others], dtype=object), fill=colours)
        canvas.lines(axes, [shapely.LineString([(90, 0), (90, 9)])], canvas.Stroke("k", 3, 9))
        assert [len(one.get_paths()) for one in axes.collections] == [3, 1]
        pixels = np.asarray(Image.open(io.BytesIO(canvas.png(figure))).convert("RGB"))

    def at(x: float, y: float) -> tuple[int, ...]:
        return tuple(pixels[int((100 - y) * 1.5), int(x * 1.5)].tolist())

    assert at(5, 50) == at(15, 50) == (255, 0, 0)
    assert at(15, 15) == (255, 255, 255)
    assert [at(41.5 + 4 * i, 50) for i in range(2)] == [(0, 255, 0), (0, 0, 255)]
    assert at(90, 3) == (0, 0, 0)


def test_labels_do_not_cover_each_other() -> None:
    areas = [
        shapely.box(100 * i, 100 * j, 100 * i + 99, 100 * j + 99)
        for i in range(4)
        for j in range(4)
    ]
    with canvas.drawing("zh") as ink:
        title = drawings.Message(en="t", zh="题")
        sheet = canvas.map_sheet(ink, (0, 0, 400, 400), title=title, source=title)
        labels.reserve_points(sheet, [area.centroid for area in areas[:3]], 9.0)
        reserved = len(sheet.taken)
        named = [labels.Label(area, f"第{i}社区居民委员会", 9.0) for i, area in enumerate(areas)]
        assert labels.place_labels(sheet, named) == 0
    boxes = [shapely.box(b.x0, b.y0, b.x1, b.y1) for b in sheet.taken]
    assert len(boxes) == reserved + len(areas)
    left, right = shapely.STRtree(boxes).query(boxes, predicate="overlaps")
    pairs = {(a, b) for a, b in zip(left, right, strict=True) if max(a, b) >= reserved}
    assert not pairs


def test_a_crowded_map_keeps_every_label_and_counts_the_overlaps() -> None:
    with canvas.drawing("zh") as ink:
        title = drawings.Message(en="t", zh="题")
        sheet = canvas.map_sheet(ink, (0, 0, 400, 400), title=title, source=title)
        area = shapely.box(190, 190, 210, 210)
        named = [labels.Label(area, "一个很长很长很长的社区名称", 14.0) for _ in range(40)]
        assert labels.place_labels(sheet, named) > 0
    assert len(sheet.map.texts) == 40


def test_borders_are_drawn_once() -> None:
    cells = TOWN["squares"](10)
    lines = canvas.borders(cells.geometry)
    assert lines.length.sum() == pytest.approx(22 * 1000.0)


# The map.


def data_of(page: str) -> dict:
    found = re.search(r'id="gridplan-data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def test_the_map_asks_for_nothing(plan) -> None:
    page = map_html(plan)
    assert Page(page).asked == []
    assert "L.map(" in page
    for absent in ("jquery", "bootstrap.min", "Font Awesome", "cdn.jsdelivr"):
        assert absent not in page
    shown = re.sub(r"/\*.*?\*/", "", page, flags=re.DOTALL)
    links = set(re.findall(r"""https?://[^\s"'<>)\\]+""", shown))
    assert {link for link in links if "w3.org" not in link} == {"https://leafletjs.com"}


def test_the_map_is_the_same_every_time(plan) -> None:
    assert map_html(plan) == map_html(plan)


def test_names_arrive_whole_and_harmless(plan) -> None:
    page = map_html(plan)
    assert "</script><b>" not in page
    data = data_of(page)
    assert data["communities"]["name"] == list(TOWN["NAMES"])
    assert data["estates"]["name"] == ["桃源居\"'<i>"]
    assert data["cells"]["id"][0] == plan.layers["cells"]["cell_id"].iloc[0]


def test_every_legend_counts_all_cells_and_all_their_residents(plan) -> None:
    data = data_of(map_html(plan))
    walks = {"committee_walk": "committee_m", "before": "room_before_m", "after": "room_m"}
    assert set(data["measures"]) == {"residents", *walks, "gain"}
    for name, measure in data["measures"].items():
        assert sum(one["cells"] for one in measure["classes"]) == len(plan.layers["cells"])
        residents = sum(one["people"] for one in measure["classes"])
        placed = plan.layers["cells"]["population"].sum()
        assert residents == (plan.summary["residents"] if name in walks else placed)


def test_committees_are_no_rooms_on_the_map(plan) -> None:
    rooms = data_of(map_html(plan))["rooms"]
    assert rooms["id"] == ["R1", "S0", "S1", "S2", "S3", "S4"]
    assert rooms["new"] == [False, True, True, True, True, True]
    assert rooms["why"][1] == ["为 1,240 人缩短步行 <310 m>", "saves 1,240 residents <310 m>"]


def test_three_thousand_cells_stay_below_three_megabytes() -> None:
    assert len(map_html(TOWN["make_plan"](55)).encode()) < 3_000_000


def test_too_many_buildings_are_left_off(plan, monkeypatch) -> None:
    monkeypatch.setattr(webmap.payload, "MOST_BUILDINGS", 1)
    assert data_of(map_html(plan))["ground"]["buildings"] == []


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example.org/other.js"></script>',
        '<link rel="stylesheet" href="https://cdn.example.org/leaflet@9.9/dist/leaflet.css"/>',
    ],
)
def test_an_address_that_is_not_at_hand_is_refused(tag) -> None:
    with pytest.raises(UnknownAssetError) as caught:
        inline(tag)
    assert "cdn.example.org" in str(caught.value)
    assert "constraints.txt" in caught.value.lines("zh")[0]


def test_style_sheets_ask_for_no_pictures(plan) -> None:
    styles = re.findall(r"<style>(.*?)</style>", webmap.map_parts(plan).head, re.DOTALL)
    assert len(styles) == 2
    for style in styles:
        assert re.findall(r"url\((?!['\"]?(?:data:|#))[^)]*\)", style) == []


# The report.


def test_the_report_is_one_file_in_both_languages(report) -> None:
    page = Page(report)
    assert [one for one in page.asked if not one.startswith(("data:", "#"))] == []
    for section in (
        "map",
        "walking",
        "communities",
        "rooms",
        "cells",
        "proofs",
        "notes",
        "appendix",
    ):
        assert section in page.ids
    assert len(page.ids) == len(set(page.ids))
    targets = {one[1:] for one in page.asked if one.startswith("#")}
    assert targets <= set(page.ids)
    for word in ("居民步行距离", "How far residents walk", "未达目标", "Target missed", "<w1>"):
        assert word in page.text


def test_every_picture_says_what_it_shows(report, drawn) -> None:
    images = Page(report).images
    assert len(images) == len(drawn)
    for image in images:
        assert image["alt"] == image["data-zh"] != image["data-en"]
    sources = {base64.b64decode(image["src"].split(",")[1]) for image in images}
    assert sources == set(drawn.values())


def test_the_report_escapes_every_name(report) -> None:
    assert "</script><b>" not in report
    assert "<i>&" not in report
    text = Page(report).text
    assert '河西"</script><b>&社区' in text
    assert "东方{{花园}}社区" in text


def test_the_report_is_the_same_every_time_and_has_no_clock(plan, drawn, report) -> None:
    timed = type(plan)(
        plan.place, plan.layers, plan.summary, plan.settings, seconds={"cells": 123.456}
    )
    again = report_html(timed, figures=drawn)
    assert again == report
    assert "123.456" not in again


def test_a_gap_is_never_called_optimal(plan, drawn, report) -> None:
    assert "未证明最优" in Page(report).text
    assert "已证明：" not in report
    siting = {**plan.summary["siting"], "status": "proven", "gap": 0.0, "stopped_by": None}
    proven = Page(report_html(with_summary(plan, siting=siting), figures=drawn)).text
    assert "Proven: the least total walk among the 40 candidate sites given" in proven
    assert "Stopped early" not in proven


def test_proofs_show_the_raw_figure_and_pass_only_at_zero(plan) -> None:
    shown = {one["term"].key: (one["value"], one["ok"]) for one in proofs(plan)}
    assert shown["buildings_cut"] == ("2", False)
    assert shown["tiling_error_m2"] == ("0 m²", True)
    given = {**plan.summary["proofs"], "tiling_error_m2": 3.5}
    shown = {one["term"].key: one for one in proofs(with_summary(plan, proofs=given))}
    assert (shown["tiling_error_m2"]["value"], shown["tiling_error_m2"]["ok"]) == ("3.5 m²", False)
    given |= {"tiling_error_m2": 8e-8}
    shown = {one["term"].key: one for one in proofs(with_summary(plan, proofs=given))}
    assert shown["tiling_error_m2"]["value"] == "< 0.001 m²"


def test_without_siting_there_are_no_new_rooms_in_the_report(plan) -> None:
    rooms = plan.layers["rooms"]
    kept = rooms[rooms["kind"] == "existing"]
    today = with_layers(with_summary(plan, access_after=None, siting=None), rooms=kept)
    text = Page(report_html(today, lang="en")).text
    assert "activity rooms bring" not in text
    assert "lower bound" not in text


def test_characters_no_font_has_are_named(plan, drawn) -> None:
    committees = plan.layers["committees"].copy()
    committees.loc[0, "name"] = "居委会\U00020bb7"
    text = Page(report_html(with_layers(plan, committees=committees), figures=drawn)).text
    assert "U+20BB7 CJK UNIFIED IDEOGRAPH-20BB7" in text


def test_a_picture_the_report_does_not_know_is_refused(plan) -> None:
    with pytest.raises(GridplanError, match=r"holiday\.png"):
        report_html(plan, figures={"holiday.png": b""})
