"""What `gridplan confirm` does: one boundary for all departments, to be signed by each."""

from __future__ import annotations

from pathlib import Path

from gridplan.bounds import landmarks_of
from gridplan.errors import InputError, Language, Message, counted
from gridplan.plan import Plan
from gridplan.present import confirmation_html
from gridplan.store import check_sign_target, mend, read_run, resolve_target, write_confirmation
from gridplan.unify import Ground, Parcels, parcels

_CONFIRMED = "-confirmation"


def write_sheets(
    path: Path,
    *,
    out: Path | None = None,
    replace: bool = False,
    lang: Language | None = None,
) -> tuple[Parcels, Path]:
    """
    Write the sheets that departments sign; return the land that changes hands, and the folder.

    Parameters
    ----------
    path : a run's folder or its ``plan.gpkg``
    out : folder, by default ``<RUN>-confirmation`` beside the run

    Raises
    ------
    InputError
        If the run has no zones for all departments.
    """
    own = path.resolve()
    own = own.parent if own.suffix.lower() == ".gpkg" else own
    folder = resolve_target(out or own.with_name(f"{own.name}{_CONFIRMED}"))
    mend(folder)
    check_sign_target(folder, replace=replace, run=path)
    plan = read_run(path)
    land = land_of(plan)
    page = confirmation_html(plan, land, lang=lang or plan.settings["report"]["lang"])
    write_confirmation(land.places, page, folder, as_of=plan.place.as_of)
    return land, folder


def counted_land(land: Parcels) -> Message:
    """
    Return how much changes hands in one sentence: entries of the plan, places on the ground.

    An entry of `handovers` is a pair of zones; its land may lie in several places.
    """
    places, strips = len(land.places), int(land.strips["strips"].sum())
    entries = counted(land.handovers, "handover", "handovers")
    departments = counted(land.departments, "department", "departments")
    lie = "lies" if land.handovers == 1 else "lie"
    return Message(
        en=f"{entries} of {departments} (layer `handovers`: the land between one old zone and one "
        f"new) {lie} in {counted(places, 'connected place', 'connected places')}, to be signed "
        f"one by one, and {counted(strips, 'strip', 'strips')} along drawn lines.",
        zh=f"{land.departments} 个部门共 {land.handovers} 项移交（`handovers` 图层，每项为一个"
        f"原分区与一个新分区之间的用地），分布为连片地块 {places} 处（逐处签字确认），"
        f"另有绘图细缝 {strips} 处。",
    )


def land_of(plan: Plan) -> Parcels:
    """Return the land of a plan that changes hands."""
    if "handovers" not in plan.layers:
        raise InputError(
            Message(
                en="This run has no zones for all departments: it was made without their zonings. "
                "Give them as [place].zonings, run again, and confirm that run.",
                zh="该成果没有统一责任区：规划时未提供各部门分区。请设置 [place].zonings "
                "后重新运行，再生成边界确认书。",
            )
        )
    place, zones = plan.place, plan.layer("zones")
    ground = Ground(
        zonings=place.zonings,
        zones=zones[zones["zone_system"] == "unified"],
        outline=place.outline,
        marks=landmarks_of(
            streets=place.streets, water=place.water, barriers=place.barriers, estates=place.estates
        ),
        estates=place.estates,
    )
    return parcels(
        plan.layer("handovers"),
        plan.layer("demand"),
        ground,
        sliver_m=float(plan.settings["unify"]["sliver_m"]),
    )
