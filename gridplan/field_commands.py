"""What `gridplan fieldcheck` does: the list of what to look at, and the answers merged."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gridplan.answers import apply_answers, latest_answers
from gridplan.commands import write_plan
from gridplan.config import Config
from gridplan.errors import InputError, Language, Message
from gridplan.fieldcheck import CheckOptions, FieldCheck, field_check
from gridplan.pipeline import run
from gridplan.plan import Plan
from gridplan.present import fieldcheck_html
from gridplan.progress import Progress
from gridplan.project import Project
from gridplan.project.field_answers import read_answers
from gridplan.store import (
    check_field_target,
    check_target,
    keep_inputs,
    mend,
    read_manifest,
    read_run,
    resolve_target,
    write_field_check,
)

_LIST, _CHECKED = "-fieldcheck", "-checked"


def list_checks(
    path: Path,
    *,
    options: CheckOptions,
    out: Path | None = None,
    replace: bool = False,
    lang: Language | None = None,
) -> tuple[FieldCheck, Path]:
    """
    Write the field check of a stored run; return it with its folder.

    Parameters
    ----------
    path : a run's folder or its ``plan.gpkg``
    out : folder, by default ``<RUN>-fieldcheck`` beside the run
    """
    folder = resolve_target(out or _beside(path, _LIST))
    mend(folder)
    check_field_target(folder, replace=replace, run=path)
    plan = read_run(path)
    check = field_check(plan, options=options)
    page = fieldcheck_html(plan, check, lang=lang or plan.settings["report"]["lang"])
    write_field_check(check.items, page, folder, as_of=plan.place.as_of)
    return check, folder


def merge_checks(
    path: Path,
    returned: Path,
    *,
    out: Path | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> tuple[Plan, Path]:
    """
    Apply a returned file to the place of a stored run, plan again, and write a new run.

    The settings are the run's own; the manifest names the returned file with its
    SHA-256 beside what the run was read from.
    """
    folder = resolve_target(out or _beside(path, _CHECKED))
    mend(folder)
    check_target(folder, replace=replace)
    keep_inputs(folder, [path, returned])
    stored = read_run(path)
    answers = latest_answers([read_answers(returned, crs=stored.place.crs)])
    if not answers:
        raise InputError(
            Message(
                en=f"{returned.name} holds no answer; fill in the column answer (yes, no) and "
                f"checked_on.",
                zh=f"{returned.name} 中没有答复，请填写 answer（yes、no）与 checked_on 字段。",
            )
        )
    place = apply_answers(stored.place, answers)
    config = Config.model_validate(dict(stored.settings))
    plan = run(place, config, progress=progress)
    digest = hashlib.sha256(returned.read_bytes()).hexdigest()
    manifest = read_manifest(path)
    inputs = {**manifest.get("inputs", {}), returned.name: digest}
    made = Project(place, config, inputs)
    write_plan(plan, made, folder, language=manifest.get("language"), progress=progress)
    return plan, folder


def _beside(path: Path, word: str) -> Path:
    """Return the folder beside a run that carries its name and a word."""
    own = path.resolve()
    own = own.parent if own.suffix.lower() == ".gpkg" else own
    return own.with_name(f"{own.name}{word}")
