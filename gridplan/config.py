"""Typed settings from `gridplan.toml`; all faults at once, the nearest valid name suggested."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import pydantic
from pydantic_core import PydanticCustomError

from gridplan.access import AccessOptions, WalkingSpeeds
from gridplan.cell_settings import CellSettings
from gridplan.errors import Language, Message, Note, SettingsError
from gridplan.measure_settings import MeasureSettings
from gridplan.network import NetworkOptions
from gridplan.norm_settings import (
    DEFAULT_NORMS,
    WALK,
    Norm,
    graded_norm,
    norm_faults,
    unread_norms,
)
from gridplan.people_settings import DemandSettings, PopulationSource, at_least_one
from gridplan.room_settings import SitingSettings
from gridplan.setting_faults import (
    fault_messages,
    house_fault,
    house_message,
    refuse_together,
)
from gridplan.setting_fields import FROZEN as _FROZEN
from gridplan.setting_fields import Section, over_defaults
from gridplan.setting_fields import default_of as _default
from gridplan.setting_fields import setting as _setting
from gridplan.settings_file import read_raw
from gridplan.siting import GradedNorm
from gridplan.unify_settings import UnifySettings
from gridplan.zone_settings import ZoneSettings

_LARGEST_SEED = 2**31 - 1
"""What every solver takes."""

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FARTHEST_M = 100_000
_FARTHEST_JOIN_M = 20
"""Across a street, not to the next one."""


class LayerSource(Section):
    """Where a layer comes from, in full."""

    model_config = _FROZEN
    file: str | None = _setting(
        None,
        en="File, relative to the TOML. Not set: the common GeoPackage `layers`.",
        zh="文件，相对于 TOML。不填则为共用的 GeoPackage `layers`。",
    )
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


class PlaceSettings(Section):
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
    community_committees: Layer = _setting(
        None,
        en="Which committees serve which community: a CSV, XLSX or table of a GeoPackage with "
        "community_id and committee_id, one pair a row. Not set: the committees' own "
        "community_id, else where they stand.",
        zh="各社区由哪些居委会服务：CSV、XLSX 或 GeoPackage 表，含 community_id 与 committee_id，"
        "每行一对。不填则按居委会的 community_id，否则按所在位置。",
    )
    population: int | str | PopulationSource = _setting(
        en="Residents: a total, a table by community or estate, "
        '{file = …, estates = {file = …}}, {raster = …}, or "households" (homes alone).',
        zh="人口：总数、按社区或小区的表、{file = …, estates = {file = …}}、{raster = …}，"
        '或 "households"（仅按住房估算）。',
    )
    buildings: Layer = _setting(None, en="Buildings.", zh="建筑。")
    streets: Layer = _setting(None, en="Street lines.", zh="道路。")
    water: Layer = _setting(None, en='Water areas; "none" for none.', zh='水面；"none" 表示没有。')
    barriers: Layer = _setting(
        None, en='Walls and fences; "none" for none.', zh='围墙、围栏；"none" 表示没有。'
    )
    gates: Layer = _setting(
        None, en='Gates of walled estates; "none" for none.', zh='小区出入口；"none" 表示没有。'
    )
    estates: Layer = _setting(
        None, en='Residential estates; "none" for none.', zh='居住小区；"none" 表示没有。'
    )
    sites: Layer = _setting(
        None,
        en="Existing rooms and candidate sites: a layer or a CSV or XLSX with coordinates, "
        '{osm = {…}}, "estates" (the largest building of each estate), "public" (every public '
        'building), "estates+public" (both; also if not set), or "none". What is not from a '
        'file is marked "assumed".',
        zh="现有活动室与候选点：图层或含坐标的 CSV/XLSX、{osm = {…}}、"
        '"estates"（各小区最大建筑）、"public"（所有公共建筑）、'
        '"estates+public"（两者，不填时亦然）或 "none"（没有）。非文件提供的点标记为“假定”。',
    )
    facilities: Layer = _setting(
        None,
        en="Facilities of any kind (service stations, social-work stations …), with facility_id "
        'and kind: a layer or a CSV or XLSX with coordinates, {osm = {…}}, or "none". Several '
        "rows with one id are its service points; with a committee's id, the committee's.",
        zh="其他设施（社区服务站、社工站等），含 facility_id 与 kind：图层、含坐标的 CSV/XLSX、"
        '{osm = {…}} 或 "none"。同一编号的多行为同一设施的多个服务点；'
        "编号与居委会相同者为该居委会的服务点。",
    )
    cells: Layer = _setting(
        None,
        en='An existing grid, for [cells].method = "given": a layer with its codes in `cell_id`, '
        "or `rename = {cell_id = …, community_id = …, name = …}`; usual names of these fields "
        "(BGCODE, 网格编码 …) are recognised. Permanent ids in `cell_uid` are kept.",
        zh='现有单元网格（用于 [cells].method = "given"）：编码在 `cell_id` 字段，或用 '
        "`rename = {cell_id = …, community_id = …, name = …}` 对应；"
        "常用字段名（BGCODE、网格编码等）会被识别；`cell_uid` 中的永久编号予以沿用。",
    )
    weights: Layer = _setting(
        None,
        en="Cells or points with a column `weight`: where residents live relative to others; "
        '"none" for none.',
        zh='含 `weight` 字段的格网或点：人口的相对分布；"none" 表示没有。',
    )
    zonings: Layer = _setting(
        None,
        en="Zones of other departments, to be made one with [unify]: a layer with `department` and "
        '`zone_id`; they may overlap and leave gaps. "none" for none.',
        zh="各部门现有分区，由 [unify] 统一：含 `department` 与 `zone_id` 的面图层，"
        '可重叠、可有空白。"none" 表示没有。',
    )
    earlier_zones: Layer = _setting(
        None,
        en="Zones of an earlier plan, e.g. of its `plan.gpkg` (layer `zones`), with `zone_system` "
        "and `zone_id`: new zones of a system that has some move few people out of theirs, see "
        '`stability`. "none" for none.',
        zh="原方案的分区，如其 `plan.gpkg` 的 `zones` 图层，含 `zone_system` 与 `zone_id`："
        "有原分区的体系重新划分时尽量少变动，见 `stability`。“none”表示没有。",
    )
    components: Layer = _setting(
        None,
        en="Municipal components (lamps, manholes, bins, signs …), with `component_id` and, where "
        "known, `kind`: a layer of points, a CSV or XLSX with coordinates, {osm = {…}}, or "
        '"none". They are counted by cell, and [cells].even_components evens the counts.',
        zh="城市部件（路灯、井盖、果皮箱、标志牌等），含 `component_id`，可含 `kind`：点图层、"
        '含坐标的 CSV/XLSX、{osm = {…}} 或 "none"。按单元网格统计数量，'
        "并由 [cells].even_components 使各网格数量均衡。",
    )
    cases: Layer = _setting(
        None,
        en="Cases that were dealt with (complaints, orders of city management …), points with "
        "`case_id` and, where known, `kind` and `effort_min`, the minutes each took. Zones may "
        'share them evenly: `weights = { cases = 0.2 }`. "none" for none.',
        zh="已处置的案件（投诉、城管案件等），点图层，含 `case_id`，可含 `kind` 与 "
        "`effort_min`（处置用时，分钟）。分区可据此均衡：`weights = { cases = 0.2 }`。"
        "“none”表示没有。",
    )
    fieldcheck: str | list[str] = _setting(
        [],
        en="Returned files of `gridplan fieldcheck`, one or several: their answers are applied "
        "with their dates, the last one of each place.",
        zh="`gridplan fieldcheck` 交回的文件，一个或多个：按核查日期采用各项最后一次答复。",
    )
    community_code: str | None = _setting(
        None,
        en="Code of the single community, where there is one only: as [cells].code_profile has "
        "it, 12 digits by default.",
        zh="仅有一个社区时的编码，须符合 [cells].code_profile（默认 12 位数字）。",
    )

    @pydantic.field_validator("population", mode="before")
    @classmethod
    def _checked_population(cls, value: Any) -> Any:
        if isinstance(value, str | Mapping | PopulationSource):
            return value
        return at_least_one(value)

    @pydantic.field_validator("name")
    @classmethod
    def _has_letters(cls, name: str) -> str:
        if not name.strip() or not name.isprintable():
            raise house_fault(
                en="it should be a name, in one line", zh="应为名称，不能为空，不能换行"
            )
        return name.strip()

    @pydantic.field_validator("as_of", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        """Take a date, or one in quotation marks; a number is no date, nor is a moment."""
        is_text = isinstance(value, str) and _ISO_DAY.fullmatch(value)
        if is_text or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
            return value
        raise house_fault(en="it should be a date such as 2026-06-30", zh="应为日期，如 2026-06-30")


class RunSettings(Section):
    """`[run]`: what holds for all steps."""

    model_config = _FROZEN
    seed: int = _setting(
        1, en="Seed of everything random.", zh="随机种子。", ge=0, le=_LARGEST_SEED
    )


class NetworkSettings(Section):
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
        le=_FARTHEST_M,
    )
    max_leg_m: float = _setting(
        _default(NetworkOptions, "max_leg_m"),
        en="Longest leg from a door to the nearest street.",
        zh="建筑到最近道路的最大距离。",
        unit="m",
        gt=0,
        le=_FARTHEST_M,
    )
    join_m: float = _setting(
        _default(NetworkOptions, "join_m"),
        en="Street ends nearer than this to another street are joined to it.",
        zh="道路端点距另一道路小于此值即相连。",
        unit="m",
        ge=0,
        le=_FARTHEST_JOIN_M,
    )


class AccessSettings(Section):
    """`[access]`: what is told of the walks."""

    model_config = _FROZEN
    worst: int = _setting(
        _default(AccessOptions, "worst"),
        en="Places whose walk is shown with its cause, the farthest first.",
        zh="列出步行最远的地点数（附原因与路线）。",
        ge=0,
    )
    nearest_k: int = _setting(
        _default(AccessOptions, "nearest_k"),
        en="Nearest committees and rooms of each home in the table `nearest_facilities`; 0 for "
        "none.",
        zh="表 nearest_facilities 中列出每处住房最近的几个居委会或活动室；0 为不列。",
        ge=0,
    )
    aversion: float = _setting(
        _default(AccessOptions, "aversion"),
        en="Aversion to inequality of the equally distributed equivalent walk (Kolm-Pollak).",
        zh="等效均等步行距离（Kolm-Pollak）的不平等厌恶系数。",
        gt=0,
    )
    area_norms: tuple[str, ...] = _setting(
        ("walk_10min_m",),
        en="Norms for which service areas are drawn, by name (each costs about as much as the "
        "first).",
        zh="按哪些规范值绘制服务范围（填规范名称；每增加一个，用时相应增加）。",
    )
    catchment_norm: str = _setting(
        "walk_10min_m",
        en="Norm within which residents share the capacity of a facility (two-step floating "
        "catchment), by name.",
        zh="居民在哪个规范距离内分享设施容量（两步移动搜索法，填规范名称）。",
    )
    speeds: dict[str, float] = _setting(
        dict(_default(WalkingSpeeds, "metres_per_s")),
        en="Walking speed of each group; what is given here adds to the groups of the default or "
        "replaces their speed. `wheelchair` takes no stairs (unverified starting value).",
        zh="各人群步行速度；此处填写的补充或替换默认人群的速度。"
        "wheelchair 不经台阶（初始值，未核实）。",
        unit="m/s",
    )

    @pydantic.field_validator("speeds", mode="after")
    @classmethod
    def _above_zero(cls, given: dict[str, float]) -> dict[str, float]:
        en, zh = "walking speeds must be above 0 m/s", "步行速度须大于 0 米/秒"
        return over_defaults(given, _default(WalkingSpeeds, "metres_per_s"), en=en, zh=zh)


class ReportSettings(Section):
    """`[report]`: language and audience."""

    model_config = _FROZEN
    lang: Literal["zh", "en"] = _setting("zh", en="First language.", zh="首选语言。")
    cell_bounds: bool = _setting(
        False,  # noqa: FBT003 - a default, as in every field
        en="Borders in words (what lies to the east, south, west and north) of every cell too, in "
        "`bounds_words` and the workbook; communities and zones always have them.",
        zh="是否也为每个单元网格书写四至（表 bounds_words 与工作簿）；社区与责任区始终书写。",
    )


class Config(Section):
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
    measures: MeasureSettings = MeasureSettings()
    unify: UnifySettings = UnifySettings()
    report: ReportSettings = ReportSettings()
    norms: dict[str, Norm] = _setting(
        {},
        en="Norms by name: value, unit, source, verified; they add to or override the built-in.",
        zh="规范值：value、unit、source、verified；补充或覆盖内置值。",
    )

    @pydantic.field_validator("norms")
    @classmethod
    def _usable_norms(cls, norms: dict[str, Norm]) -> dict[str, Norm]:
        refuse_together(fault for key, norm in norms.items() for fault in norm_faults(key, norm))
        return norms

    @pydantic.model_validator(mode="after")
    def _sections_go_together(self) -> Self:
        unread = unread_norms(self.norms, self._named_norms)
        refuse_together((*unread, *self._unknown_norms(), *self._odd_grades(), *self._odd_code()))
        return self

    @property
    def _named_norms(self) -> tuple[str, ...]:
        """Norms that the settings of walks go by, by name."""
        return tuple(dict.fromkeys([*self.access.area_norms, self.access.catchment_norm]))

    def _unknown_norms(self) -> Iterator[Message]:
        named = self._named_norms
        distances = {key: one for key, one in self.all_norms.items() if one.unit == "m"}
        unknown = [one for one in named if one not in distances]
        if unknown:
            yield Message(
                en=f"[access].area_norms and catchment_norm name no distance among the norms: "
                f"{', '.join(unknown)}; there are {', '.join(sorted(distances))}",
                zh=f"[access] 的 area_norms 与 catchment_norm 中有不存在的距离规范："
                f"{'、'.join(unknown)}；现有 {'、'.join(sorted(distances))}",
            )

    def _odd_grades(self) -> Iterator[Message]:
        try:
            graded_norm(self.all_norms)
        except PydanticCustomError as error:
            yield house_message(error)

    @property
    def room_grades(self) -> GradedNorm:
        """The graded norm of rooms: floor area by households."""
        return graded_norm(self.all_norms)

    def _odd_code(self) -> Iterator[Message]:
        code, profile = self.place.community_code, self.cells.profile
        if code is not None and not re.fullmatch(profile.community_pattern, code):
            words = profile.community_words
            yield Message(
                en=f"[place].community_code = {code!r} does not have {words.en}",
                zh=f"[place].community_code = {code!r} 不是{words.zh}",
            )

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the planner should look at in the settings, though they can be used."""
        return self.cells.notes

    @property
    def language_asked(self) -> Language | None:
        """The language of the report where somebody set it; None for the one that is built in."""
        given = "report" in self.model_fields_set and "lang" in self.report.model_fields_set
        return self.report.lang if given else None

    @property
    def all_norms(self) -> dict[str, Norm]:
        """The built-in norms with those of the settings on top."""
        return {**DEFAULT_NORMS, **self.norms}

    @property
    def walk_norms_m(self) -> tuple[float, ...]:
        """The walking norms in metres, ascending, and that of rooms, which choices go by."""
        norms = self.all_norms
        walks = {n.value for key, n in norms.items() if key.startswith(WALK)}
        return tuple(sorted({*walks, norms["room_norm_m"].value}))


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
    return parse_config(read_raw(path, overrides=overrides))


def parse_config(raw: Mapping[str, Any]) -> Config:
    """Return the settings of a mapping, or raise with one message per fault."""
    try:
        return Config.model_validate(raw)
    except pydantic.ValidationError as error:
        raise SettingsError(*fault_messages(error, Config, raw)) from error


def written_language(raw: Mapping[str, Any]) -> Language | None:
    """Return the language that settings ask for, also where they are at fault otherwise."""
    report = raw.get("report")
    lang = report.get("lang") if isinstance(report, Mapping) else None
    return lang if lang in ("zh", "en") else None
