"""The pages in Chromium: nothing is asked of the network, and every control does what it says."""

import runpy
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest

from gridplan.present import map_html, report_html

pytestmark = pytest.mark.browser

TOWN = runpy.run_path(str(Path(__file__).with_name("test_present_town.py")))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LOCAL = ("file:", "data:", "blob:")


@pytest.fixture(scope="module")
def plan():
    return TOWN["make_plan"]()


@pytest.fixture(scope="module")
def browser(chromium, need):
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        need(False, "Playwright (package playwright)")  # noqa: FBT003 - the fixture's own order
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report_file(plan, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "报告 report.html"
    path.write_text(report_html(plan), encoding="utf-8")
    return path


@pytest.fixture
def page(browser, report_file):
    """Open the report; afterwards nothing may have gone wrong or left the machine."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    asked, wrong = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    opened.goto(report_file.as_uri())
    opened.wait_for_selector("[data-ready=yes]")
    yield opened
    opened.close()
    assert [url for url in asked if not url.startswith(LOCAL)] == []
    assert wrong == []


def choose(page, measure: str) -> None:
    page.check(f"input[name=gp-measure][value={measure}]")


def painted(page, pane: str) -> int:
    """Return how many pixels the canvas of a pane has drawn."""
    return page.evaluate(
        """async (pane) => {
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const canvas = document.querySelector(`.leaflet-${pane}-pane canvas`);
          if (!canvas) return 0;
          const pen = canvas.getContext("2d");
          const drawn = pen.getImageData(0, 0, canvas.width, canvas.height).data;
          let count = 0;
          for (let i = 3; i < drawn.length; i += 4) count += drawn[i] > 0;
          return count;
        }""",
        pane,
    )


def test_the_map_is_drawn_with_cells_water_and_streets(page) -> None:
    assert painted(page, "overlay") > 100_000
    assert painted(page, "water") > 1_000
    assert painted(page, "streets") > 1_000


def test_one_button_switches_the_language_of_everything(page) -> None:
    assert "新增活动室" in page.inner_text(".gp-panel")
    assert page.inner_text("h1").startswith("新镇街道")
    page.locator(".gp-icon[aria-label*='候选']").first.click()
    assert "居民" in page.inner_text("#gp-details dl")
    page.click("#language")
    labels = page.inner_text("#gp-details dl")
    assert "esidents" in labels
    assert "居民" not in labels
    text = page.inner_text("body")
    assert "5 activity rooms bring" in text
    assert "未达目标" not in text
    assert page.get_attribute("html", "lang") == "en"
    assert page.get_attribute("#gp-query", "placeholder").startswith("Search")
    assert page.title().endswith("walking access")
    assert page.get_attribute("figure img", "alt").startswith("Within 500 m")
    assert "mean walk with the plan" in page.inner_text("#gp-legend-title")
    page.click("#language")
    assert "未达目标" in page.inner_text("body")


def test_every_layer_can_be_switched(page) -> None:
    for layer, pane in (("water", "water"), ("streets", "streets"), ("cells", "overlay")):
        before = painted(page, pane)
        page.uncheck(f"#gp-layers input[value={layer}]")
        assert painted(page, pane) < before / 10
        page.check(f"#gp-layers input[value={layer}]")
        assert painted(page, pane) == before
    stars = ".gp-icon[aria-label*='候选']"
    assert page.locator(stars).count() == 5
    page.uncheck("#gp-layers input[value=proposed]")
    assert page.locator(stars).count() == 0


def test_new_rooms_show_with_the_plan_and_not_today(page) -> None:
    star = ".gp-icon[aria-label*='候选']"
    assert page.locator(star).count() == 5
    choose(page, "before")
    assert page.locator(star).count() == 0
    assert "现有活动室" in page.inner_text("#gp-legend-basis")
    choose(page, "after")
    assert page.locator(star).count() == 5


@pytest.fixture(scope="module")
def mixed_file(plan, tmp_path_factory) -> Path:
    """The report of a plan with a mix of measures: a room, a gate and a bridge of four."""
    cells = plan.layers["cells"].iloc[[30, 60, 90, 120]]
    measures = gpd.GeoDataFrame(
        {
            "measure_id": ["m1", "g1", "b1", "b2"],
            "kind": ["room", "new_gate", "bridge", "bridge"],
            "estate_id": [None] * 4,
            "in_plan": [True, True, True, False],
            "cost": [90_000.0, 9_000.0, 60_000.0, 1.0],
            "alone_walk": [5e6, 2e5, 3e5, 0.0],
            "last_walk": [4e6, 1e5, 3e5, None],
            "residents": [4_000.0, 500.0, 0.0, None],
            "reason": [None, None, None, "beyond_limit"],
        },
        geometry=cells.geometry.centroid.to_numpy(),
        crs=cells.crs,
    )
    mixed = replace(plan, layers={**plan.layers, "measures": measures})
    path = tmp_path_factory.mktemp("mixed") / "report.html"
    path.write_text(report_html(mixed), encoding="utf-8")
    return path


def test_the_mix_of_measures_is_a_layer_with_costs_in_both_languages(browser, mixed_file) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(mixed_file.as_uri())
    page.wait_for_selector("[data-ready=yes]")
    assert page.locator(".gp-icon[aria-label='新开出入口']").count() == 0
    for layer, symbol, count in (("mix_links", "新开出入口", 2), ("mix_rooms", "活动室", 1)):
        label = page.locator(f"#gp-layers label[data-layer={layer}]")
        assert label.locator("b").inner_text() == str(count)
        assert "措施组合" in label.inner_text()
        page.check(f"#gp-layers input[value={layer}]")
        assert page.locator(f".gp-icon[aria-label='{symbol}']").count() == 1
    page.locator(".gp-icon[aria-label='活动室']").dispatch_event("click")
    told = page.inner_text("#gp-details")
    assert "90,000 元" in told
    assert "4,000 人·公里" in told
    assert "1,000 m" in told
    page.click("#language")
    page.locator(".gp-icon[aria-label*='出入口']").dispatch_event("click")
    told = page.inner_text("#gp-details")
    assert "9,000 yuan" in told
    assert "100 resident-km" in told
    assert "not this mix" in told
    page.fill("#gp-query", "bridge")
    page.press("#gp-query", "Enter")
    assert "60,000 yuan" in page.inner_text("#gp-details")
    page.close()


def test_a_plan_without_a_mix_has_no_such_layer(page) -> None:
    assert page.locator("#gp-layers label[data-layer^=mix_]").count() == 0


def test_conflicts_of_departments_are_a_layer_that_tells_who_claims_what(
    browser, plan, tmp_path
) -> None:
    cells = plan.layers["cells"].iloc[:3]
    places = gpd.GeoDataFrame(
        {
            "conflict_id": ["X0001", "X0002", "X0003"],
            "kind": ["dispute", "blank", "overlap"],
            "sliver": [False, False, True],
            "claims": ["公安: 1; 城管: 甲", "公安: -; 城管: 甲", "公安: 1 + 2; 城管: 甲"],
            "area_m2": [12_345.0, 10.0, 1.0],
            "population": [678, 0, 0],
        },
        geometry=cells.geometry.to_numpy(),
        crs=cells.crs,
    )
    path = tmp_path / "map.html"
    shown = replace(plan, layers={**plan.layers, "conflicts": places})
    path.write_text(map_html(shown), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(path.as_uri())
    page.wait_for_selector("[data-ready=yes]")
    label = page.locator("#gp-layers label[data-layer=conflicts]")
    assert label.locator("b").inner_text() == "2"
    page.fill("#gp-query", "X0001")
    page.press("#gp-query", "Enter")
    assert page.is_checked("#gp-layers input[value=conflicts]")
    told = page.inner_text("#gp-details")
    assert "公安: 1; 城管: 甲" in told
    assert "12,345 m²" in told
    assert "678" in told
    page.close()


def test_each_measure_has_its_legend(page, plan) -> None:
    for measure in ("residents", "before", "after", "gain"):
        choose(page, measure)
        counts = page.locator("#gp-legend td:nth-child(3)").all_inner_texts()
        assert sum(int(one.replace(",", "")) for one in counts) == len(plan.layers["cells"])
    choose(page, "zones")
    zones = plan.layers["zones"]
    main = zones[zones["zone_system"] == zones["zone_system"].iloc[0]]
    assert page.locator("#gp-legend tr").count() == 3
    assert page.locator("#gp-legend tr:first-child td").all_inner_texts()[1] == str(len(main))


def test_pointing_at_a_cell_tells_about_it(page) -> None:
    box = page.locator("#map_gridplan").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 43, box["y"] + box["height"] / 2 + 61)
    told = page.locator(".gp-tip").inner_text()
    assert "网格" in told
    assert "m²" in told


def test_search_finds_codes_and_names_by_keyboard(page, plan) -> None:
    code, uid = plan.layers["cells"][["cell_id", "cell_uid"]].iloc[57]
    # Notes call cells by their permanent ids.
    for asked in (uid, code):
        page.fill("#gp-query", asked)
        page.press("#gp-query", "Enter")
        assert code in page.inner_text("#gp-details")
        assert uid in page.inner_text("#gp-details")
    assert painted(page, "hit") > 50
    page.fill("#gp-query", "</SCRIPT>")
    assert page.locator("#gp-hits button").first.inner_text().startswith('河西"</script><b>&')
    page.press("#gp-query", "Escape")
    assert page.locator("#gp-hits li").count() == 0
    page.fill("#gp-query", "没有这个地方")
    assert "没有找到" in page.inner_text("#gp-hits")


def test_a_room_can_be_reached_by_keyboard(page) -> None:
    page.focus(".gp-icon[aria-label*='候选 2']")
    page.keyboard.press("Enter")
    told = page.inner_text("#gp-details")
    assert "候选 2&" in told
    assert "推定场地" in told


def test_tables_sort_and_their_total_stays_below(page) -> None:
    table = "#table-communities"
    column = page.locator(f"{table} thead th").all_inner_texts().index("居民")
    cells = f"{table} tbody td:nth-child({column + 1})"
    for descending in (False, True):
        page.click(f"{table} thead th:nth-child({column + 1}) button")
        shown = [int(one.replace(",", "")) for one in page.locator(cells).all_inner_texts()]
        assert shown == sorted(shown, reverse=descending)
    total = page.locator(f"{table} tfoot td:nth-child({column + 1})").inner_text()
    assert int(total.replace(",", "")) == sum(shown)


def test_nothing_is_wider_than_the_page(page) -> None:
    for width in (1440, 1000, 640, 390):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, width


@pytest.mark.parametrize("width", [1440, 390])
def test_every_layer_and_class_can_be_read_in_both_languages(page, width) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for _ in ("zh", "en"):
        cut = page.evaluate(
            """() => [...document.querySelectorAll(
                 "#gp-layers label, #gp-layers span, #gp-measures label, #gp-legend td")]
              .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1
                               && getComputedStyle(one).display !== "inline")
              .map((one) => one.textContent)"""
        )
        assert cut == []
        beyond = page.evaluate(
            """() => { const panel = document.querySelector(".gp-panel").getBoundingClientRect();
              return [...document.querySelectorAll("#gp-layers label *, #gp-legend td")]
                .filter((one) => one.offsetParent)
                .filter((one) => one.getBoundingClientRect().right > panel.right)
                .map((one) => one.textContent); }"""
        )
        assert beyond == []
        page.click("#language")


def test_names_stay_on_one_line_and_numbers_at_the_right(page) -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        broken = page.evaluate(
            """() => [...document.querySelectorAll("table.data td.w")].filter((one) => {
                 const lines = document.createRange();
                 lines.selectNodeContents(one);
                 const tops = [...lines.getClientRects()].map((box) => Math.round(box.top));
                 return new Set(tops).size > 1;
               }).map((one) => one.textContent)"""
        )
        assert broken == []
    aligned = "one => getComputedStyle(one).textAlign"
    assert page.locator("#table-communities td.n").first.evaluate(aligned) == "right"
    assert page.locator("#table-communities td.w").count() >= 8


def test_on_a_telephone_a_table_scrolls_in_its_own_box(page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    inner, outer = page.evaluate(
        """() => { const box = document.querySelector("#table-communities").parentElement;
                   return [box.scrollWidth, box.clientWidth]; }"""
    )
    assert inner > outer
    assert outer <= 390


NOTES = [
    {"key": f"{kind}_{i}", "zh": f"第 {i} 条需要注意的情况，写得很长很长，占满一行还多。",
     "en": f"A longish thing number {i} to be careful of, which takes a line or more to tell."}
    for i in range(9) for kind in ("caveat" if i < 4 else "note",)
]  # fmt: skip


def test_many_notes_leave_the_map_within_the_first_screen(browser, plan, tmp_path) -> None:
    path = tmp_path / "notes.html"
    noted = type(plan)(plan.place, plan.layers, {**plan.summary, "caveats": NOTES}, plan.settings)
    path.write_text(report_html(noted, figures={}), encoding="utf-8")
    for width, height in ((1440, 900), (390, 844)):
        opened = browser.new_page(viewport={"width": width, "height": height})
        opened.goto(path.as_uri())
        opened.wait_for_selector("[data-ready=yes]")
        for _ in ("zh", "en"):
            top = opened.evaluate("document.querySelector('.gp-map').getBoundingClientRect().top")
            assert top < 0.7 * height, (width, top)
            opened.click("#language")
        assert not opened.locator("#data-notes li").first.is_visible()
        opened.click("a[data-opens]")
        assert opened.locator("#data-notes li").count() == 6
        assert opened.locator("#data-notes li").first.is_visible()
        opened.close()


def test_on_paper_the_map_keeps_its_cells(page) -> None:
    before = page.evaluate("map_gridplan.getZoom()")
    paper = page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Subtype /Image") >= 10
    assert page.locator(".gp-still").count() == 0
    assert page.evaluate("map_gridplan.getZoom()") == before


def test_the_map_stands_alone_as_well(browser, plan, tmp_path) -> None:
    path = tmp_path / "map.html"
    path.write_text(map_html(plan, lang="en"), encoding="utf-8")
    opened = browser.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(path.as_uri())
    opened.wait_for_selector("[data-ready=yes]")
    assert "new rooms" in opened.inner_text(".gp-panel")
    opened.click("#language")
    assert "新增活动室" in opened.inner_text(".gp-panel")
    opened.close()
    assert all(url.startswith(LOCAL) for url in asked)
