"""What OpenStreetMap tags mean here: classes of ways and areas, kinds of buildings, numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

NOT_A_WAY = frozenset(
    {
        "abandoned", "construction", "demolished", "dismantled", "disused", "no", "planned",
        "proposed", "razed", "removed",
    }
)  # fmt: skip
"""Values of ``highway`` for something that is not there to walk on."""

_AREA_HIGHWAYS = frozenset({"platform", "rest_area", "services", "traffic_island"})

WATER_VALUES = {
    "natural": frozenset({"water"}),
    "waterway": frozenset({"dock", "riverbank"}),
    "landuse": frozenset({"basin", "reservoir"}),
}

BARRIERS = frozenset(
    {
        "city_wall", "fence", "guard_rail", "hedge", "jersey_barrier", "retaining_wall",
        "wall", "wire_fence",
    }
)  # fmt: skip

_LINE_BARRIERS = {
    "barrier": BARRIERS,
    "waterway": frozenset({"canal", "river"}),
    "railway": frozenset({"rail"}),
}

GATES = frozenset(
    {
        "entrance", "full-height_turnstile", "gate", "hampshire_gate", "kissing_gate",
        "lift_gate", "sally_port", "sliding_gate", "swing_gate", "turnstile", "wicket_gate",
    }
)  # fmt: skip

POI_KEYS = ("amenity", "leisure", "office", "shop", "building")
"""Keys that make a point of interest; the first that is present names it."""

_KINDS = {
    "residential": (
        "apartments", "bungalow", "cabin", "detached", "duplex", "flats", "house", "houseboat",
        "residential", "semi", "semidetached_house", "static_caravan", "terrace", "terraced",
    ),
    "village": ("farm", "farmhouse", "ger", "hut", "stilt_house", "village"),
    "dormitory": ("dormitory",),
    "industrial": (
        "digester", "factory", "hangar", "industrial", "manufacture", "silo", "storage_tank",
        "warehouse", "works",
    ),
    "public": (
        "cathedral", "chapel", "church", "civic", "clinic", "college", "community_centre",
        "fire_station", "government", "gymnasium", "hospital", "kindergarten", "library",
        "monastery", "mosque", "museum", "police", "public", "religious", "school", "shrine",
        "sports_centre", "sports_hall", "stadium", "synagogue", "temple", "toilets", "townhall",
        "train_station", "transportation", "university",
    ),
    "commercial": (
        "bank", "commercial", "hotel", "kiosk", "mall", "marketplace", "office", "restaurant",
        "retail", "shop", "supermarket",
    ),
    "other": (
        "barn", "bridge", "bunker", "canopy", "carport", "collapsed", "conservatory",
        "construction", "container", "cowshed", "farm_auxiliary", "garage", "garages",
        "gatehouse", "grandstand", "greenhouse", "outbuilding", "parking", "pavilion", "roof",
        "ruins", "service", "shed", "stable", "sty", "tower", "transformer_tower",
        "water_tower",
    ),
}  # fmt: skip

BUILDING_KINDS = {value: kind for kind, values in _KINDS.items() for value in values}
"""Kind of building (the words of `Place`) by the value of ``building``."""

_COMMERCIAL_AMENITIES = frozenset(
    {
        "bank", "bar", "bureau_de_change", "cafe", "car_rental", "car_wash", "cinema",
        "fast_food", "food_court", "fuel", "internet_cafe", "karaoke_box", "marketplace",
        "nightclub", "pub", "restaurant",
    }
)  # fmt: skip
_OTHER_AMENITIES = frozenset({"bicycle_parking", "parking", "shelter", "waste_disposal"})

_PUBLIC_BUILDINGS = frozenset(_KINDS["public"])
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NO = frozenset({"", "no", "false", "0"})

Tags = Mapping[str, str]


def name_of(tags: Tags) -> str | None:
    r"""
    Return the name on one line: ``name``, else ``name:zh``, else null.

    Examples
    --------
    >>> name_of({"name:zh": "新镇\n社区", "name:en": "Xinzhen"})
    '新镇 社区'
    """
    for key in ("name", "name:zh"):
        name = " ".join(tags.get(key, "").split())
        if name:
            return name
    return None


def flag_of(value: str | None) -> bool:
    """Return whether a tag such as ``bridge`` says yes (anything but ``no``)."""
    return value is not None and value not in _NO


def number_of(value: str | None) -> float | None:
    """
    Return the first number in a tag's value, or null where there is none.

    Examples
    --------
    >>> number_of("6"), number_of("6;8"), number_of("6.5层"), number_of("six")
    (6.0, 6.0, 6.5, None)
    """
    found = _NUMBER.search(value or "")
    return float(found.group()) if found else None


def floors_of(tags: Tags) -> float | None:
    """Return the storeys of a building (null: not said, or not above zero)."""
    floors = number_of(tags.get("building:levels"))
    return floors if floors is not None and floors > 0 else None


def is_highway_area(tags: Tags, *, closed: bool) -> bool:
    """Return whether a highway way outlines an area, such as a square, and is no line."""
    if not closed:
        return False
    return tags.get("area") == "yes" or tags["highway"] in _AREA_HIGHWAYS


def building_kind(tags: Tags) -> str:
    """
    Return the kind of a building as far as its own tags tell, else ``unknown``.

    Examples
    --------
    >>> building_kind({"building": "apartments"}), building_kind({"building": "yes"})
    ('residential', 'unknown')
    >>> building_kind({"building": "yes", "amenity": "school"})
    'public'
    """
    kind = BUILDING_KINDS.get(tags["building"])
    if kind is not None:
        return kind
    amenity = tags.get("amenity")
    if amenity is not None:
        return _amenity_kind(amenity)
    if "office" in tags:
        return "public" if tags["office"] in {"government", "association"} else "commercial"
    if "shop" in tags or "tourism" in tags:
        return "commercial"
    if "leisure" in tags:
        return "public"
    own = tags.get("landuse") or tags.get("residential") or ""
    return BUILDING_KINDS.get(own, "industrial" if "man_made" in tags else "unknown")


def _amenity_kind(amenity: str) -> str:
    if amenity in _COMMERCIAL_AMENITIES:
        return "commercial"
    return "other" if amenity in _OTHER_AMENITIES else "public"


def water_kind(tags: Tags) -> str | None:
    """Return the kind of a water area, or null if the area is none."""
    for key, values in WATER_VALUES.items():
        if tags.get(key) in values:
            return tags.get("water") or tags[key]
    return None


def barrier_kind(tags: Tags) -> str | None:
    """Return the kind of line that cuts the ground (wall, canal, railway …), or null."""
    for key, values in _LINE_BARRIERS.items():
        if tags.get(key) in values:
            return tags[key]
    return None


def gate_kind(tags: Tags) -> str | None:
    """Return the kind of an entrance in a wall or building, or null if a node is none."""
    barrier = tags.get("barrier")
    if barrier in GATES:
        return barrier
    return "entrance" if flag_of(tags.get("entrance")) else None


def poi_key(tags: Tags, *, area: bool) -> str | None:
    """
    Return the key that makes an object a point of interest, or null.

    A building area counts only if it has a name or is a public one: the tag
    alone says no more than the layer of buildings does.

    Examples
    --------
    >>> poi_key({"building": "house"}, area=True) is None
    True
    >>> poi_key({"building": "yes", "amenity": "community_centre"}, area=True)
    'amenity'
    """
    for key in POI_KEYS:
        if flag_of(tags.get(key)):
            break
    else:
        return None
    plain_building = key == "building" and area and tags["building"] not in _PUBLIC_BUILDINGS
    return None if plain_building and name_of(tags) is None else key


def area_layers(tags: Tags) -> tuple[str, ...]:
    """
    Return the layers that an area with these tags belongs to (points of interest apart).

    Examples
    --------
    >>> area_layers({"landuse": "reservoir"})
    ('landuse', 'water')
    """
    layers = ["landuse"] if "landuse" in tags else []
    if flag_of(tags.get("building")):
        layers.append("buildings")
    if tags.get("landuse") == "residential":
        layers.append("residential")
    if water_kind(tags) is not None:
        layers.append("water")
    if tags.get("boundary") == "administrative":
        layers.append("areas")
    return tuple(layers)
