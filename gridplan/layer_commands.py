"""What `gridplan check` does with layers: verify a run, or what somebody drew by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridplan.errors import InputError, Message, Note, SettingsError
from gridplan.present.check_words import in_words
from gridplan.store import (
    check_places_file,
    layer_names,
    read_drawn,
    read_meta,
    read_run,
    read_summary,
    require_something_to_verify,
    summary_of,
    write_file,
)
from gridplan.verify import Report, Tolerances, verify_plan


def check_layers(
    path: Path, *, map_file: Path | None = None, tolerance: float | None = None
) -> tuple[Report, tuple[Note, ...]]:
    """
    Verify a run's folder, a plan.gpkg or any GeoPackage with such layers.

    Only a plan that gridplan has made is held to the full contract; of layers drawn by
    hand, what can be checked is checked.

    Parameters
    ----------
    map_file : Path, optional
        Where to write the places of the findings, as GeoJSON.
    tolerance : float, optional
        Share by which the residents of zones drawn by hand may differ from the mean of their
        system, above 0 and at most 1; without it they are told, not judged.

    Returns
    -------
    report, notes
        The notes say which layers and columns were taken for which.
    """
    if map_file is not None:
        check_places_file(map_file)
    package, summary = _package_of(path)
    layers, notes = read_drawn(package)
    made = "gridplan_meta" in layers
    if made:
        meta = read_meta(layers["gridplan_meta"], what=package.name)
        summary = summary or summary_of(meta["summary"], what=package.name)
    else:
        require_something_to_verify(layers, what=package.name)
    _check_tolerance(tolerance, made=made, what=package.name)
    tolerances = Tolerances(zone_share=tolerance)
    report = in_words(verify_plan(layers, summary, contract=made, tolerances=tolerances), layers)
    if tolerance is not None and "zone_balance" not in report.checked:
        raise SettingsError(
            Message(
                en=f"--tolerance was given, but {package.name} has no zones with residents to hold "
                f"to it: give a layer `zones` with `zone_id`, and `demand` or `cells` with "
                f"`population`; or leave it out.",
                zh=f"给出了 --tolerance，但 {package.name} 中没有可核验居民数的责任区："
                f"请提供含 `zone_id` 的 `zones` 图层，以及含 `population` 的 `demand` 或 `cells`；"
                f"或去掉该选项。",
            )
        )
    if map_file is not None:
        _write_places(report, layers, map_file)
    return report, notes


def _check_tolerance(tolerance: float | None, *, made: bool, what: str) -> None:
    if tolerance is None:
        return
    if made:
        raise SettingsError(
            Message(
                en=f"--tolerance is for zones drawn by hand, and {what} was made by gridplan: its "
                f"zones are held to the settings it was made with. Leave it out.",
                zh=f"--tolerance 只用于手绘责任区，而 {what} 由 gridplan 生成，"
                f"其责任区按生成时的设置核验。请去掉该选项。",
            )
        )
    if not 0 < tolerance <= 1:
        raise SettingsError(
            Message(
                en=f"--tolerance is {tolerance:g}; expected a share above 0 and at most 1, e.g. "
                f"0.2 for 20 %.",
                zh=f"--tolerance 为 {tolerance:g}，应为大于 0 且不超过 1 的比例，如 0.2 即 20%。",
            )
        )


def _package_of(path: Path) -> tuple[Path, Mapping[str, object] | None]:
    if path.suffix.lower() == ".gpkg" and not path.is_dir():
        return path, None
    if path.is_file():
        raise InputError(
            Message(
                en=f"{path.name} cannot be checked: give a project (.toml), a run's folder or a "
                "GeoPackage (.gpkg).",
                zh=f"无法检查 {path.name}：请给出项目（.toml）、成果文件夹或 GeoPackage（.gpkg）。",
            )
        )
    summary, package = read_summary(path), path / "plan.gpkg"
    if "gridplan_meta" not in layer_names(package):
        read_run(package)
    return package, summary


def _write_places(report: Report, layers: Mapping[str, pd.DataFrame], path: Path) -> None:
    crs = next((one.crs for one in layers.values() if isinstance(one, gpd.GeoDataFrame)), None)
    found = [one for one in report.findings if one.where is not None and not one.where.is_empty]
    places = gpd.GeoDataFrame(
        {
            "rule": [finding.rule for finding in found],
            "severity": [finding.severity for finding in found],
            "layer": [finding.layer for finding in found],
            "ids": [", ".join(finding.ids) for finding in found],
            "amount": [finding.amount for finding in found],
            "unit": [finding.unit for finding in found],
            "zh": [finding.message.zh for finding in found],
            "en": [finding.message.en for finding in found],
        },
        geometry=[finding.where for finding in found],
        crs=crs,
    )
    degrees = places.to_crs("EPSG:4326") if places.crs else places
    write_file(path, degrees.to_json(drop_id=True).encode("utf-8"))
