"""The map of a plan as part of a page or as a page by itself; opening it asks no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridplan.errors import GridplanError, Language, Message, MissingPackageError
from gridplan.plan import Plan
from gridplan.present import assets, payload
from gridplan.present.encode import script_json
from gridplan.present.words import title

if TYPE_CHECKING:
    import folium

MAP_ID = "gridplan"
"""Element ids are fixed, not random, so that the same plan gives the same bytes."""

_ELEMENT_ID = f"map_{MAP_ID}"
_SCRIPT = re.compile(r'<script src="(https?://[^"]+)"></script>')
_STYLE = re.compile(r'<link rel="stylesheet" href="(https?://[^"]+)"\s*/?>')
_KEPT = re.compile(r"/leaflet@[0-9.]+/dist/leaflet\.(?:js|css)$")
_DROPPED = re.compile(
    r"jquery|bootstrap|fontawesome|font-awesome|awesome-markers|leaflet\.awesome\.rotate"
)
_CSS_FILE = re.compile(r"url\((?!['\"]?data:)[^)]*\)")


class UnknownAssetError(GridplanError, KeyError):
    """The map container asks for a file that would have to come from the network."""


@dataclass(frozen=True, slots=True)
class MapParts:
    """The pieces of a map: for the head, for the body, and the script that starts it."""

    head: str
    body: str
    script: str


def map_parts(plan: Plan) -> MapParts:
    """
    Return the map of a plan, to be set into a page.

    folium makes the container; Leaflet is the only library kept, as text. Data and
    behaviour are one element of our own.

    Raises
    ------
    MissingPackageError
        If folium or its offline assets are not installed.
    UnknownAssetError
        If folium asks for a file that is not at hand.
    """
    shown = payload.payload(plan)
    data = script_json(shown)
    container = _container(plan)
    page: Any = container.get_root()
    page.render()
    script = page.script.render()
    body = assets.render(
        "map.html.j2",
        words=payload.WORDS,
        systems=[(one["key"], _message(one["label"])) for one in shown["systems"]],
        container=page.html.render(),
        data=data,
    )
    return MapParts(
        head=inline(page.header.render()) + f"<style>{assets.text('map.css')}</style>",
        body=body,
        script=f"{assets.text('map.js')}\n{script}\n"
        f"gridplanMap({_ELEMENT_ID}, JSON.parse("
        f"document.getElementById('{MAP_ID}-data').textContent));",
    )


def _message(pair: list[str]) -> Message:
    return Message(zh=pair[0], en=pair[1])


def map_html(plan: Plan, *, lang: Language = "zh") -> str:
    """Return the map as a page of its own."""
    return assets.render("map_page.html.j2", map=map_parts(plan), title=title(plan), lang=lang)


def _container(plan: Plan) -> folium.Map:
    try:
        import folium
    except ImportError as error:
        raise MissingPackageError(
            Message(
                en="The map needs folium: `pip install folium folium-offline`.",
                zh="绘制地图需要 folium：`pip install folium folium-offline`。",
            )
        ) from error
    west, south, east, north = plan.layer("cells").total_bounds
    middle = payload.encoder(plan).corner((west + east) / 2, (south + north) / 2)
    container = folium.Map(
        location=middle,
        tiles=None,
        zoom_start=14,
        zoom_snap=0.25,
        prefer_canvas=True,
        control_scale=True,
    )
    container._id = MAP_ID  # noqa: SLF001 - folium has no other way to a fixed id
    return container


def inline(head: str) -> str:
    """
    Return the scripts and styles a head links to, as text; nothing else of it.

    Raises
    ------
    UnknownAssetError
        For an address that is neither Leaflet nor one of the libraries left out.
    """
    kept = []
    for pattern, tag in ((_STYLE, "style"), (_SCRIPT, "script")):
        for address in pattern.findall(head):
            if _KEPT.search(address):
                kept.append(f"<{tag}>{_asset(address)}</{tag}>")
            elif not _DROPPED.search(address):
                raise UnknownAssetError(_unknown(address))
    return "".join(kept)


def _asset(address: str) -> str:
    stored = _offline()
    if address not in stored:
        raise UnknownAssetError(_unknown(address))
    text = stored[address].replace("</script", "<\\/script").replace("</style", "<\\/style")
    return _CSS_FILE.sub("none", text) if address.endswith(".css") else text


def _offline() -> dict[str, Any]:
    try:
        from offlinefolium.elements import _res
    except ImportError as error:
        raise MissingPackageError(
            Message(
                en="The map needs Leaflet as a file: `pip install folium-offline==0.20.0.2`.",
                zh="地图需要离线的 Leaflet：`pip install folium-offline==0.20.0.2`。",
            )
        ) from error
    found: dict[str, Any] = _res
    return found


def _unknown(address: str) -> Message:
    return Message(
        en=f"The map would load {address} from the network, and no copy is at hand. "
        f"Install the versions named in constraints.txt.",
        zh=f"地图需要从网络加载 {address}，本机没有副本。请安装 constraints.txt 中的版本。",
    )
