"""The sheet of a printed map: title, legend with counts, scale bar, north arrow, source line."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import KDTree

from gridplan.errors import Language, Message
from gridplan.geometry import GRID_M, Geometries
from gridplan.present import fonts
from gridplan.present.classes import Classes
from gridplan.present.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Outline
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox
    from PIL.Image import Image as PillowImage

INK, MUTED, RULE = "#1d2429", "#6a737a", "#c9ced2"
WATER, WATER_EDGE, STREET, BUILDING = "#c3d8e3", "#9dbccc", "#ffffff", "#00000022"
LAND, OUTLINE, ACCENT = "#fbfbf9", "#1d2429", "#c8321f"

DPI = 150
LARGEST_BYTES = 250_000
"""Limit of one figure; the palette is reduced until it is met."""
_PALETTES = (256, 160, 96, 64, 40)

_WIDTH_IN, _LEGEND_IN, _TITLE_IN, _FOOT_IN, _MARGIN_IN = 9.6, 2.35, 0.95, 0.42, 0.3
_MAP_HEIGHT_IN = (4.6, 8.2)
_PAD_SHARE = 0.02
_LINE_IN = 0.235
_SWATCH_IN, _TEXT_IN = 0.26, 0.34
_STEPS = (1, 2, 5)
_SCALE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Ink:
    """Languages in order of size, font families and the files behind them."""

    lang: Language
    families: list[str]
    files: list[Path]

    def first(self, message: Message) -> str:
        """Return the sentence in the leading language, with every glyph drawable."""
        return self.text(message.in_language(self.lang))

    def second(self, message: Message) -> str:
        """Return the sentence in the other language."""
        return self.text(message.in_language("en" if self.lang == "zh" else "zh"))

    def both(self, message: Message) -> str:
        """Return both languages on one line, or the text once where they are the same."""
        first, second = self.first(message), self.second(message)
        return first if first == second else f"{first}  {second}"

    def text(self, text: str) -> str:
        """Return text with a stand-in for characters no font has; ``$`` is no formula."""
        return fonts.drawable(text, *self.files).replace("$", r"\$")


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a point is drawn: matplotlib's marker, size in points, fill and rim."""

    marker: str
    size: float
    fill: str
    rim: str

    def draw(self, axes: Axes, x: Sequence[float], y: Sequence[float], order: float = 10) -> None:
        """Draw the symbol at every point."""
        axes.plot(
            x,
            y,
            linestyle="none",
            marker=self.marker,
            markersize=self.size,
            color=self.fill,
            markeredgecolor=self.rim,
            zorder=order,
        )


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a line is drawn: colour, width in points, height in the stack, dashes in points."""

    colour: str
    width: float
    order: float = 1.0
    dash: tuple[int, tuple[int, ...] | None] = (0, None)


@contextmanager
def drawing(lang: Language) -> Iterator[Ink]:
    """Set matplotlib up for both languages, without touching the process afterwards."""
    import matplotlib as mpl

    families, files = fonts.matplotlib_families()
    style = {
        "font.family": families,
        "font.size": 8.5,
        "text.color": INK,
        "axes.edgecolor": RULE,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.7,
        "axes.unicode_minus": True,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "path.simplify": True,
    }
    settings: Any = {**mpl.rcParamsDefault, **style, "backend": "agg"}
    with mpl.rc_context(settings):
        yield Ink(lang, families, files)


@dataclass(slots=True)
class Sheet:
    """A figure with a map on the left and a legend column on the right."""

    figure: Figure
    map: Axes
    legend: Axes
    ink: Ink
    cursor_in: float
    taken: list[Bbox]


def map_sheet(
    ink: Ink, extent: tuple[float, float, float, float], *, title: Message, source: Message
) -> Sheet:
    """
    Return a sheet whose map shows `extent` (west, south, east, north in metres) to scale.

    The height follows the place, within limits that still print on A4.
    """
    west, south, east, north = extent
    pad = _PAD_SHARE * max(east - west, north - south)
    wide, high = east - west + 2 * pad, north - south + 2 * pad
    map_width = _WIDTH_IN - _LEGEND_IN - 3 * _MARGIN_IN
    low, top = _MAP_HEIGHT_IN
    map_height = min(max(map_width * high / wide, low), top)
    height = map_height + _TITLE_IN + _FOOT_IN
    figure = new_figure(_WIDTH_IN, height)
    axes = figure.add_axes(
        (_MARGIN_IN / _WIDTH_IN, _FOOT_IN / height, map_width / _WIDTH_IN, map_height / height)
    )
    # Limits in the box's own proportions: else matplotlib crops one side to keep the scale.
    per_inch = max(wide / map_width, high / map_height)
    x, y = (west + east) / 2, (south + north) / 2
    half_x, half_y = per_inch * map_width / 2, per_inch * map_height / 2
    axes.set(xlim=(x - half_x, x + half_x), ylim=(y - half_y, y + half_y))
    axes.set_aspect("equal", adjustable="box")
    axes.set_axis_off()
    legend = figure.add_axes(
        (
            (map_width + 2 * _MARGIN_IN) / _WIDTH_IN,
            _FOOT_IN / height,
            _LEGEND_IN / _WIDTH_IN,
            map_height / height,
        )
    )
    legend.set(xlim=(0, _LEGEND_IN), ylim=(0, map_height))
    legend.set_axis_off()
    write_frame(figure, ink, title=title, source=source)
    return Sheet(figure, axes, legend, ink, map_height, [])


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure on the Agg canvas, apart from pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def renderer_of(figure: Figure) -> RendererBase:
    """Return what measures texts in pixels."""
    agg: Any = figure.canvas
    return cast("RendererBase", agg.get_renderer())


def write_frame(figure: Figure, ink: Ink, *, title: Message, source: Message) -> None:
    """Write the title sentence in both languages, and the source line at the foot."""
    width, height = figure.get_size_inches()
    left = _MARGIN_IN / width
    fitted(figure, left, 1 - 0.16 / height, ink.first(title), size=14, colour=INK)
    fitted(figure, left, 1 - 0.52 / height, ink.second(title), size=9, colour=MUTED)
    line = f"{ink.first(source)}"
    figure.text(left, 0.13 / height, line, size=6.5, color=MUTED, va="bottom")


def fitted(figure: Figure, x: float, y: float, text: str, *, size: float, colour: str) -> None:
    """Write one line at the top left, smaller where it would not fit the sheet."""
    drawn = figure.text(x, y, text, size=size, color=colour, va="top")
    _narrow(drawn, figure, figure.bbox.width * (1 - 2 * x))


def _narrow(drawn: Text, figure: Figure, room: float) -> None:
    """Make a text smaller where it is wider than so many pixels."""
    wide = drawn.get_window_extent(renderer_of(figure)).width
    if wide > room:
        drawn.set_fontsize(float(drawn.get_fontsize()) * room / wide)


def polygons(
    axes: Axes,
    shapes: Geometries | gpd.GeoSeries,
    *,
    fill: str | Sequence[str] = "none",
    edge: str = "none",
    width: float = 0.0,
    order: float = 1.0,
) -> None:
    """Draw polygons, holes included, in one collection: one path per colour, not per polygon."""
    from matplotlib.collections import PathCollection

    whole = np.asarray(shapes, dtype=object)
    colours = np.full(len(whole), fill) if isinstance(fill, str) else np.asarray(fill, dtype=str)
    fills = sorted(set(colours.tolist()))
    axes.add_collection(
        PathCollection(
            [outline(whole[colours == colour]) for colour in fills],
            facecolors=fills,
            edgecolors=edge,
            linewidths=width,
            zorder=order,
        ),
        autolim=False,
    )


def outline(shapes: Geometries) -> Outline:
    """Return polygons as one matplotlib path: outer rings anticlockwise, holes clockwise."""
    # `get_rings` passes over whatever has several parts.
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(shapes)))
    return _path(rings, closed=True)


def _path(parts: Geometries, *, closed: bool) -> Outline:
    from matplotlib.path import Path as Outline

    points, part_of_point = shapely.get_coordinates(parts, return_index=True)
    codes = np.full(len(points), Outline.LINETO, dtype=Outline.code_type)
    turns = np.flatnonzero(np.diff(part_of_point))
    codes[np.append(0, turns + 1)[: len(points)]] = Outline.MOVETO
    if closed:
        codes[np.append(turns, len(points) - 1)[: len(points)]] = Outline.CLOSEPOLY
    return Outline(points, codes)


def lines(axes: Axes, shapes: Sequence[object] | gpd.GeoSeries, stroke: Stroke) -> None:
    """Draw lines, or the borders of polygons, as one path."""
    from matplotlib.collections import PathCollection

    array = np.array(shapes, dtype=object)
    areal = np.isin(shapely.get_type_id(array), [3, 6])
    array[areal] = shapely.boundary(array[areal])
    axes.add_collection(
        PathCollection(
            [_path(shapely.get_parts(shapely.get_parts(array)), closed=False)],
            facecolors="none",
            edgecolors=stroke.colour,
            linewidths=stroke.width,
            linestyles=[stroke.dash],
            zorder=stroke.order,
        ),
        autolim=False,
    )


def borders(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return the borders of polygons, each once: drawn twice, two dashes make a solid line."""
    edges = shapely.boundary(np.asarray(shapes, dtype=object))
    once = shapely.line_merge(shapely.union_all(edges, grid_size=GRID_M))
    return gpd.GeoSeries([once], crs=shapes.crs)


def heading(sheet: Sheet, message: Message, unit: str = "") -> None:
    """Begin a block of the legend with its title in both languages, and the unit."""
    sheet.cursor_in -= 0.06
    top = f"{sheet.ink.first(message)}" + (f" ({unit})" if unit else "")
    room = _LEGEND_IN * sheet.figure.dpi
    _narrow(_legend_text(sheet, 0.0, top, size=9.5), sheet.figure, room)
    sheet.cursor_in -= _LINE_IN * 0.72
    under = _legend_text(sheet, 0.0, sheet.ink.second(message), size=7, colour=MUTED)
    _narrow(under, sheet.figure, room)
    sheet.cursor_in -= _LINE_IN * 0.95


def class_rows(
    sheet: Sheet, classes: Classes, columns: Sequence[tuple[Message, Sequence[int]]]
) -> None:
    """List the classes with their swatches and, per column, what each class holds."""
    from matplotlib.patches import Rectangle

    ends = [_LEGEND_IN - 0.62 * (len(columns) - 1 - i) for i in range(len(columns))]
    place: dict[str, Any] = {"color": MUTED, "ha": "right", "va": "center"}
    for end, (head, _) in zip(ends, columns, strict=True):
        sheet.legend.text(end, sheet.cursor_in, sheet.ink.first(head), size=7, **place)
        below = sheet.cursor_in - _LINE_IN * 0.6
        sheet.legend.text(end, below, sheet.ink.second(head), size=6, **place)
    sheet.cursor_in -= _LINE_IN * 1.35
    for row, one in enumerate(classes.classes):
        if one.special and not any(counts[row] for _, counts in columns):
            continue
        swatch = (0, sheet.cursor_in - 0.065), 0.26, 0.13
        patch = Rectangle(*swatch, facecolor=one.colour, edgecolor=RULE, linewidth=0.5)
        sheet.legend.add_patch(patch)
        _legend_text(sheet, 0.34, sheet.ink.first(one.label), size=8)
        for end, (_, counts) in zip(ends, columns, strict=True):
            sheet.legend.text(
                end, sheet.cursor_in, number(counts[row]), size=8, ha="right", va="center"
            )
        sheet.cursor_in -= _LINE_IN * 0.86
    sheet.cursor_in -= _LINE_IN * 0.4


def symbol_row(sheet: Sheet, label: Message, count: int | None, symbol: Symbol | Stroke) -> None:
    """List a symbol of the map, and how many of them it shows."""
    y = sheet.cursor_in
    if isinstance(symbol, Symbol):
        symbol.draw(sheet.legend, [_SWATCH_IN / 2], [y])
    else:
        lines(sheet.legend, [shapely.LineString([(0.02, y), (_SWATCH_IN - 0.02, y)])], symbol)
    _legend_text(sheet, _TEXT_IN, sheet.ink.both(label), size=7.5)
    if count is not None:
        sheet.legend.text(_LEGEND_IN, y, number(count), size=8, ha="right", va="center")
    sheet.cursor_in -= _LINE_IN * 0.9


def figure_row(sheet: Sheet, label: Message, value: float | str, *, digits: int = 0) -> None:
    """List a figure of the legend: label on the left, value on the right."""
    _legend_text(sheet, 0.0, sheet.ink.both(label), size=7.5)
    told = number(value, digits)
    sheet.legend.text(_LEGEND_IN, sheet.cursor_in, told, size=8, ha="right", va="center")
    sheet.cursor_in -= _LINE_IN * 0.9


def area_row(sheet: Sheet, label: Message, *, fill: str, edge: str) -> None:
    """List an areal symbol of the map."""
    from matplotlib.patches import Rectangle

    sheet.legend.add_patch(
        Rectangle(
            (0, sheet.cursor_in - 0.065), 0.26, 0.13, facecolor=fill, edgecolor=edge, linewidth=0.6
        )
    )
    _legend_text(sheet, 0.34, sheet.ink.both(label), size=7.5)
    sheet.cursor_in -= _LINE_IN * 0.9


def _legend_text(sheet: Sheet, x: float, text: str, *, size: float, colour: str = INK) -> Text:
    return sheet.legend.text(x, sheet.cursor_in, text, size=size, color=colour, va="center")


def scale_and_north(sheet: Sheet) -> None:
    """Draw the scale bar in metres and the north arrow at the foot of the legend."""
    from matplotlib.patches import Polygon, Rectangle

    metres_per_inch = metres_per_inch_of(sheet.map)
    longest = _SCALE_SHARE * _LEGEND_IN * metres_per_inch
    length_m = round_length(longest)
    long_in = length_m / metres_per_inch
    for half, colour in ((0, INK), (1, "white")):
        sheet.legend.add_patch(
            Rectangle(
                (half * long_in / 2, 0.1),
                long_in / 2,
                0.055,
                facecolor=colour,
                edgecolor=INK,
                linewidth=0.7,
            )
        )
    for at, value in ((0.0, 0.0), (long_in / 2, length_m / 2), (long_in, length_m)):
        unit = " m" if value == length_m else ""
        sheet.legend.text(at, 0.2, number(value) + unit, size=7, ha="left" if not at else "center")
    x, y = _LEGEND_IN - 0.14, 0.08
    for side, colour in ((-1, INK), (1, "white")):
        sheet.legend.add_patch(
            Polygon(
                [(x, y + 0.4), (x + side * 0.095, y), (x, y + 0.1)],
                facecolor=colour,
                edgecolor=INK,
                linewidth=0.6,
            )
        )
    sheet.legend.text(x, y + 0.43, "N", size=8, ha="center", va="bottom")


def metres_per_inch_of(axes: Axes) -> float:
    """Return the scale of a map: metres on the ground per inch on paper."""
    axes.apply_aspect()
    low, high = axes.get_xlim()
    return float((high - low) / (axes.get_window_extent().width / axes.figure.dpi))


def round_length(longest: float) -> float:
    """
    Return the longest round length (1, 2 or 5 times a power of ten) not above `longest`.

    Examples
    --------
    >>> round_length(740.0), round_length(1999.0)
    (500.0, 1000.0)
    """
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in _STEPS if step * power <= longest)


def png(figure: Figure) -> bytes:
    """
    Return a figure as PNG without date or software, in a palette.

    The palette shrinks until the file is below `LARGEST_BYTES`.
    """
    agg: Any = figure.canvas
    agg.draw()
    drawn = inks_of(np.asarray(agg.buffer_rgba())[..., :3])
    for colours in _PALETTES:
        out = io.BytesIO()
        in_palette(drawn, colours).save(out, format="PNG", dpi=(DPI, DPI))
        if out.tell() <= LARGEST_BYTES:
            break
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of a picture, the commonest first, and which of them each pixel has."""

    colours: npt.NDArray[np.uint8]
    pixels: npt.NDArray[np.intp]


def inks_of(picture: npt.NDArray[np.uint8]) -> Inks:
    """Return the colours of a picture of shape (height, width, 3)."""
    packed = picture.astype(np.int32) @ np.array([65536, 256, 1], dtype=np.int32)
    # Hashing is ten times faster here than the sorting of np.unique.
    place, found = pd.factorize(packed.ravel())
    order = np.lexsort((found, -np.bincount(place)))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return Inks(_unpacked(found[order]), rank[place].reshape(packed.shape))


def in_palette(drawn: Inks, colours: int) -> PillowImage:
    """
    Return a picture in so many colours, each pixel in the nearest of them.

    Half are its commonest colours as they are, so that two maps to be compared have the
    same ground; half cover the colour space, so that a few red stars stay red. Pillow's
    own mapping to a palette is coarser: it turns white paper into a pale grey.
    """
    from PIL import Image

    common = drawn.colours[: colours // 2]
    # One pixel of each colour: what covers the space does not depend on how often it occurs.
    swatches = Image.fromarray(drawn.colours[np.newaxis])
    spread = swatches.quantize(
        colors=colours - len(common), method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    covering = np.array(spread.getpalette(), dtype=np.uint8).reshape(-1, 3)
    palette = np.vstack([common, covering])
    _, nearest = KDTree(palette).query(drawn.colours)
    reduced = Image.fromarray(nearest.astype(np.uint8)[drawn.pixels])
    reduced.putpalette(palette.tobytes())
    return reduced


def _unpacked(packed: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    bands = np.column_stack([packed >> 16, packed >> 8 & 255, packed & 255])
    return bands.astype(np.uint8)
