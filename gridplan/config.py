"""Typed settings from `gridplan.toml`; all faults at once, the nearest valid name suggested."""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from gridplan.access import AccessOptions, WalkingSpeeds
from gridplan.cells import CellOptions
from gridplan.demand import DemandOptions
from gridplan.errors import FaultList, Message, MissingInputError, SettingsError
from gridplan.network import NetworkOptions
from gridplan.siting import Limits
from gridplan.zones import ZoneOptions

_FROZEN = ConfigDict(extra="forbid", frozen=True)


def _setting(
    default: Any = ...,
    *,
    en: str,
    zh: str,
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """Return a field that carries its meaning in both languages and its unit."""
    return Field(
        default, description=en, ge=ge, gt=gt, le=le, json_schema_extra={"zh": zh, "unit": unit}
    )


def _default(options: type, name: str) -> Any:
    """Return the default an algorithm's options give, so that it is written once."""
    for field in dataclasses.fields(options):
        if field.name == name:
            if field.default_factory is not dataclasses.MISSING:
                return field.default_factory()
            return field.default
    msg = f"{options.__name__} has no field {name}"
    raise AttributeError(msg)


class LayerSource(BaseModel):
    """Where a layer comes from, in full."""

    model_config = _FROZEN
    file: str | None = _setting(None, en="File, relative to the TOML.", zh="文件，相对于 TOML。")
    layer: str | None = _setting(None, en="Layer in the file.", zh="文件中的图层名。")
    crs: str | None = _setting(
        None, en="CRS, where the file does not say.", zh="坐标系（文件未注明时）。"
    )
    rename: dict[str, str] = _setting(
        {}, en="Our column = the file's column.", zh="本软件字段 = 文件字段。"
    )
    osm: dict[str, str] | None = _setting(
        None,
        en='Tags to select from the OSM file, e.g. {admin_level = "10"}.',
        zh='从 OSM 文件中按标签选取，如 {admin_level = "10"}。',
    )


Layer = str | LayerSource | None


class PopulationSource(BaseModel):
    """Where the residents come from, in full."""

    model_config = _FROZEN
    total: int | None = _setting(None, en="All residents.", zh="常住人口总数。", ge=0)
    file: str | None = _setting(None, en="Table, CSV or XLSX.", zh="人口表，CSV 或 XLSX。")
    sheet: str | None = _setting(None, en="Sheet of the workbook.", zh="工作表。")
    rename: dict[str, str] = _setting(
        {}, en="Our column = the table's column.", zh="本软件字段 = 表中字段。"
    )


class PlaceSettings(BaseModel):
    """`[place]`: what the sub-district is made of."""

    model_config = _FROZEN
    name: str = _setting(en="Name of the sub-district.", zh="街道（办事处）名称。")
    crs: str | None = _setting(
        None,
        en="Projected CRS in metres. Not set: chosen by longitude and printed.",
        zh="以米为单位的投影坐标系。不填则按经度自动选择并显示。",
    )
    as_of: dt.date = _setting(
        en="Date of the data; dates in results come from here.",
        zh="数据日期；成果中的日期以此为准。",
    )
    layers: str | None = _setting(
        None,
        en="GeoPackage in which every layer not named by itself is looked for by its name.",
        zh="GeoPackage；未单独指定的图层按名称从中查找。",
    )
    osm: str | None = _setting(
        None,
        en="OSM extract (.osm, .pbf) that gives every layer not named otherwise.",
        zh="OSM 数据文件（.osm、.pbf）；未另行指定的图层由它提供。",
    )
    boundary: Layer | list[float] = _setting(
        None,
        en='Boundary: a file, [west, south, east, north] in degrees, "communities", '
        '"box" (of the OSM file), or {osm = {…}}.',
        zh='边界：文件、[西, 南, 东, 北]（度）、"communities"、"box"（OSM 文件范围）'
        "或 {osm = {…}}。",
    )
    communities: Layer = _setting(
        None,
        en='Communities: a file, {osm = {admin_level = "10"}}, or "none" for a single one.',
        zh='社区：文件、{osm = {admin_level = "10"}}，或 "none"（整个区域作为一个社区）。',
    )
    committees: Layer = _setting(
        None,
        en="Residents' committees: a layer, a CSV or XLSX with lon, lat or x, y, or {osm = {…}}.",
        zh="居委会：图层、含经纬度或坐标的 CSV/XLSX，或 {osm = {…}}。",
    )
    population: int | str | PopulationSource = _setting(
        en="Residents: a total, or a table by community.", zh="人口：总数，或按社区的表。"
    )
    buildings: Layer = _setting(None, en="Buildings.", zh="建筑。")
    streets: Layer = _setting(None, en="Street lines.", zh="道路。")
    water: Layer = _setting(None, en="Water areas.", zh="水面。")
    barriers: Layer = _setting(None, en="Walls and fences.", zh="围墙、围栏。")
    gates: Layer = _setting(None, en="Gates of walled estates.", zh="小区出入口。")
    estates: Layer = _setting(None, en="Residential estates.", zh="居住小区。")
    sites: Layer = _setting(
        None,
        en="Existing rooms and candidate sites: a layer or a CSV or XLSX with coordinates. Not "
        'set: the largest building of each estate, marked "assumed".',
        zh="现有活动室与候选点：图层或含坐标的 CSV/XLSX。不填则取各小区最大建筑并标记为“假定”。",
    )
    community_code: str | None = _setting(
        None,
        en="12-digit code of the single community, where there is one only.",
        zh="仅有一个社区时的 12 位编码。",
    )


class RunSettings(BaseModel):
    """`[run]`: what holds for all steps."""

    model_config = _FROZEN
    seed: int = _setting(1, en="Seed of everything random.", zh="随机种子。", ge=0)


class DemandSettings(BaseModel):
    """`[demand]`: how residents are spread over homes."""

    model_config = _FROZEN
    home_m2: dict[str, float] = _setting(
        dict(_default(DemandOptions, "home_m2")),
        en="Floor space per resident by kind of building (unverified starting values).",
        zh="各类住房人均建筑面积（初始值，未核实）。",
        unit="m²",
    )
    floors: float = _setting(
        _default(DemandOptions, "floors"),
        en="Storeys where a building does not say.",
        zh="未注明层数时的默认层数。",
        gt=0,
    )
    persons_per_household: float = _setting(
        _default(DemandOptions, "persons_per_household"),
        en="Residents per household, where a building's households are known.",
        zh="户均人口（建筑户数已知时使用）。",
        gt=0,
    )


class CellSettings(BaseModel):
    """`[cells]`: the management cells."""

    model_config = _FROZEN
    method: Literal["square"] = _setting(
        "square", en="How cells are drawn.", zh="单元网格划分方法。"
    )
    target_m2: float = _setting(
        _default(CellOptions, "target_m2"),
        en="Target area of a cell.",
        zh="单元网格目标面积。",
        unit="m²",
        gt=0,
    )


class NetworkSettings(BaseModel):
    """`[network]`: the walking network."""

    model_config = _FROZEN
    not_walkable: tuple[str, ...] = _setting(
        _default(NetworkOptions, "not_walkable"),
        en="Highway classes nobody walks on (unless foot = yes).",
        zh="不可步行的道路类别（foot = yes 除外）。",
    )
    buffer_m: float = _setting(
        _default(NetworkOptions, "buffer_m"),
        en="Streets and committees this far beyond the boundary count.",
        zh="边界外此距离内的道路与居委会计入。",
        unit="m",
        ge=0,
    )
    max_leg_m: float = _setting(
        _default(NetworkOptions, "max_leg_m"),
        en="Longest leg from a door to the nearest street.",
        zh="建筑到最近道路的最大距离。",
        unit="m",
        gt=0,
    )
    join_m: float = _setting(
        _default(NetworkOptions, "join_m"),
        en="Street ends nearer than this to another street are joined to it.",
        zh="道路端点距另一道路小于此值即相连。",
        unit="m",
        ge=0,
    )


class AccessSettings(BaseModel):
    """`[access]`: what is told of the walks."""

    model_config = _FROZEN
    worst: int = _setting(
        _default(AccessOptions, "worst"),
        en="Places whose walk is shown with its cause, the farthest first.",
        zh="列出步行最远的地点数（附原因与路线）。",
        ge=0,
    )
    aversion: float = _setting(
        _default(AccessOptions, "aversion"),
        en="Aversion to inequality of the equally distributed equivalent walk (Kolm-Pollak).",
        zh="等效均等步行距离（Kolm-Pollak）的不平等厌恶系数。",
        gt=0,
    )
    speeds: dict[str, float] = _setting(
        dict(_default(WalkingSpeeds, "metres_per_s")),
        en="Walking speed of each group; `wheelchair` takes no stairs (unverified starting value).",
        zh="各人群步行速度；wheelchair 不经台阶（初始值，未核实）。",
        unit="m/s",
    )


class ZoneSettings(BaseModel):
    """`[zones]`: the responsibility zones."""

    model_config = _FROZEN
    k: int = _setting(
        _default(ZoneOptions, "k") or 0,
        en="Number of zones; 0: proposed from the residents.",
        zh="责任区数量；0 表示按人口建议。",
        ge=0,
    )
    tolerance: float = _setting(
        _default(ZoneOptions, "tolerance"),
        en="Largest deviation of a zone's residents from the mean.",
        zh="各责任区人口与均值的最大偏差。",
        unit="share",
        gt=0,
    )


class SitingSettings(BaseModel):
    """`[siting]`: where the activity rooms go."""

    model_config = _FROZEN
    p: int = _setting(12, en="New rooms to propose.", zh="拟新增活动室数量。", ge=0)
    work: int = _setting(
        _default(Limits, "work"),
        en="Counted work after which the search stops.",
        zh="计算量上限。",
        gt=0,
    )
    time_s: float = _setting(
        600.0,
        en="Safety stop in seconds; then the status says so.",
        zh="安全时限。",
        unit="s",
        gt=0,
    )


class ReportSettings(BaseModel):
    """`[report]`: language and audience."""

    model_config = _FROZEN
    lang: Literal["zh", "en"] = _setting("zh", en="First language.", zh="首选语言。")


class Norm(BaseModel):
    """A norm: a number that is configuration, with its source."""

    model_config = _FROZEN
    value: float
    unit: str
    source: str
    verified: bool = False


DEFAULT_NORMS: Mapping[str, Norm] = {
    "walk_5min_m": Norm(
        value=300, unit="m", source="GB 50180-2018, 5-minute living circle / 五分钟生活圈"
    ),
    "walk_10min_m": Norm(
        value=500, unit="m", source="GB 50180-2018, 10-minute living circle / 十分钟生活圈"
    ),
    "walk_15min_m": Norm(
        value=1000, unit="m", source="GB 50180-2018, 15-minute living circle / 十五分钟生活圈"
    ),
    "room_norm_m": Norm(
        value=500, unit="m", source="Culture and activity station / 文化活动站服务半径"
    ),
    "workers_per_10000": Norm(
        value=18, unit="1", source="Community workers per 10,000 residents / 每万人社区工作者"
    ),
}


class Config(BaseModel):
    """All settings of a run."""

    model_config = _FROZEN
    place: PlaceSettings
    run: RunSettings = RunSettings()
    demand: DemandSettings = DemandSettings()
    cells: CellSettings = CellSettings()
    network: NetworkSettings = NetworkSettings()
    access: AccessSettings = AccessSettings()
    zones: ZoneSettings = ZoneSettings()
    siting: SitingSettings = SitingSettings()
    report: ReportSettings = ReportSettings()
    norms: dict[str, Norm] = _setting(
        {},
        en="Norms by name: value, unit, source, verified; they add to or override the built-in.",
        zh="规范值：value、unit、source、verified；补充或覆盖内置值。",
    )

    @property
    def all_norms(self) -> dict[str, Norm]:
        """The built-in norms with those of the settings on top."""
        return {**DEFAULT_NORMS, **self.norms}

    @property
    def walk_norms_m(self) -> tuple[float, ...]:
        """The walking norms in metres, ascending."""
        walks = {n.value for key, n in self.all_norms.items() if key.startswith("walk_")}
        return tuple(sorted(walks))


def read_config(path: Path, *, overrides: Sequence[str] = ()) -> Config:
    """
    Return the settings of a TOML file.

    Parameters
    ----------
    overrides : sequence of ``section.key=value``, values as in TOML

    Raises
    ------
    MissingInputError, SettingsError
    """
    if not path.is_file():
        raise MissingInputError(
            Message(
                en=f"There is no settings file {path}. Make one with `gridplan init`.",
                zh=f"找不到设置文件 {path}。可用 `gridplan init` 新建。",
            )
        )
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            Message(
                en=f"{path.name} is no valid TOML in UTF-8: {error}.",
                zh=f"{path.name} 不是有效的 UTF-8 TOML 文件：{error}。",
            )
        ) from error
    for override in overrides:
        _apply(raw, override)
    return parse_config(raw)


def parse_config(raw: Mapping[str, Any]) -> Config:
    """Return the settings of a mapping, or raise with one message per fault."""
    try:
        return Config.model_validate(raw)
    except pydantic.ValidationError as error:
        faults = FaultList()
        for one in error.errors():
            _add_fault(faults, one)
        faults.faults = list(dict.fromkeys(faults.faults))
        raise SettingsError(*faults.faults) from error


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise SettingsError(
            Message(
                en=f"--set {override!r}: expected KEY=VALUE, e.g. siting.p=12.",
                zh=f"--set {override!r}：应为 KEY=VALUE，例如 siting.p=12。",
            )
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    table = raw
    for part in parts[:-1]:
        table = table.setdefault(part, {})
    table[parts[-1]] = value


def _add_fault(faults: FaultList, error: Any) -> None:
    where = [part for part in error["loc"] if isinstance(part, str) and part not in _UNION_TAGS]
    name = f"[{where[0]}].{'.'.join(where[1:])}" if len(where) > 1 else f"[{where[0]}]"
    if error["type"] == "extra_forbidden":
        near = _suggestion(where)
        faults.add(
            en=f"There is no setting {name}.{f' Did you mean `{near}`?' if near else ''}",
            zh=f"没有设置项 {name}。{f'是否指 `{near}`？' if near else ''}",
        )
    elif error["type"] == "missing":
        faults.add(en=f"The setting {name} is missing.", zh=f"缺少设置项 {name}。")
    else:
        found = repr(error["input"])
        faults.add(
            en=f"The setting {name} = {found} cannot be used: {error['msg']}.",
            zh=f"设置项 {name} = {found} 无效：{_zh_reason(error)}。",
        )


_UNION_TAGS = {"str", "int", "LayerSource", "PopulationSource", "list[float]", "float"}

_ZH_REASONS = {
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "string_type": "应为文字",
    "bool_parsing": "应为 true 或 false",
    "date_from_datetime_parsing": "应为日期，如 2026-06-30",
    "date_parsing": "应为日期，如 2026-06-30",
    "date_type": "应为日期，如 2026-06-30",
}


def _zh_reason(error: Any) -> str:
    limits = error.get("ctx", {})
    for key, word in (("ge", "不小于"), ("gt", "大于"), ("le", "不大于"), ("expected", "取值为")):
        if key in limits:
            return f"应{word} {limits[key]}"
    return _ZH_REASONS.get(error["type"], str(error["msg"]))


def _suggestion(where: Sequence[str]) -> str | None:
    model: type[BaseModel] = Config
    for part in where[:-1]:
        field = model.model_fields.get(part)
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    near = difflib.get_close_matches(where[-1], list(model.model_fields), n=1, cutoff=0.5)
    return near[0] if near else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the settings class an annotation holds, looking into unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        found = (_model_in(one) for one in typing.get_args(annotation))
        return next((model for model in found if model), None)
    return None
