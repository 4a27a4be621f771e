"""What notebooks show: the live map with a static picture beside it, tables in two languages."""

from __future__ import annotations

import functools
import html
from collections.abc import Hashable
from typing import TYPE_CHECKING

import pandas as pd

from gridplan.errors import Language
from gridplan.plan import Plan
from gridplan.present import canvas, drawings, figures, map_html, report, tables, tabulation

if TYPE_CHECKING:
    from IPython.display import HTML, Image
    from pandas.io.formats.style import Styler


_PICTURES = {"farthest": drawings.farthest_figure, "service": drawings.service_figure}


def show_map(plan: Plan, *, lang: Language = "zh", height_px: int = 640) -> HTML:
    """
    Return the interactive map as an output of a notebook, without any network request.

    It stands in a frame of its own, so that its styles do not leak into the notebook.
    """
    from IPython.display import HTML

    page = html.escape(map_html(plan, lang=lang), quote=True)
    style = f"width:100%;height:{height_px}px;border:1px solid #ccc"
    return HTML(f'<div><iframe srcdoc="{page}" style="{style}"></iframe></div>')  # type: ignore[no-untyped-call]


@functools.lru_cache(maxsize=4)
def _drawn(plan: Plan, lang: Language) -> dict[str, bytes]:
    """Draw the figures of a plan once, however many cells show them."""
    return figures(plan, lang)


def show_figure(plan: Plan, name: str, *, lang: Language = "zh") -> Image:
    """Return one of the report's figures, e.g. ``cells``, as a static picture."""
    from IPython.display import Image

    drawn = _drawn(plan, lang)
    found = [key for key in sorted(drawn) if name in key]
    if not found:
        msg = f"no figure is called {name!r}; there are {sorted(drawn)}"
        raise KeyError(msg)
    return Image(drawn[found[0]])  # type: ignore[no-untyped-call]


@functools.lru_cache(maxsize=8)
def _drawn_alone(plan: Plan, name: str, lang: Language) -> bytes:
    with canvas.drawing(lang) as ink:
        return canvas.png(_PICTURES[name](plan, ink))


def show_picture(plan: Plan, name: str, *, lang: Language = "zh") -> Image:
    """Return a picture that is not in the report: ``farthest`` walks or ``service`` areas."""
    from IPython.display import Image

    if name not in _PICTURES:
        msg = f"no picture is called {name!r}; there are {sorted(_PICTURES)}"
        raise KeyError(msg)
    return Image(_drawn_alone(plan, name, lang))  # type: ignore[no-untyped-call]


def in_words(plan: Plan, table: pd.DataFrame) -> Styler:
    """
    Return one of the report's tables, or some rows of it, with headings as the report has them.

    Columns that hold nothing are left out, and so are the numbers of rows; figures are written as
    in the report, and no text is cut. For reading: who goes on computing takes `show_table`.

    Parameters
    ----------
    table : DataFrame
        Columns of the tables of `show_table`, or of the layers of a plan.

    Returns
    -------
    Styler of a DataFrame of str (`data`)
        Same rows; headings in both languages.
    """
    from pandas.io.formats.style import Styler

    hidden = tabulation.empty_columns(table)
    shown = table.drop(columns=hidden)
    words = {one: str(tabulation.as_text(tabulation.heading(plan, str(one)))) for one in shown}
    written = {
        one: [report.printed(str(one), value) for value in shown[one].tolist()] for one in shown
    }
    told = pd.DataFrame(written, index=table.index).rename(columns=words)
    left: list[Hashable] = [
        words[one] for one in shown if not pd.api.types.is_numeric_dtype(shown[one])
    ]
    page = Styler(told.reset_index(drop=True), uuid="t", cell_ids=False, escape="html")
    return page.hide(axis="index").set_properties(subset=left, **{"text-align": "left"})


def show_table(plan: Plan, name: str) -> pd.DataFrame:
    """Return one of the report's tables, e.g. ``communities``."""
    return tables(plan)[name]
