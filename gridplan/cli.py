"""The command line: parse, call, turn errors into sentences and exit statuses."""

from __future__ import annotations

import contextlib
import locale
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from gridplan.errors import GridplanError

if TYPE_CHECKING:
    from gridplan.commands import Progress

Lang = Literal["zh", "en"]

_INTERRUPTED = 130
_FAULT = 2

app = typer.Typer(
    name="gridplan",
    help="单元网格、责任区、步行可达与活动室选址 · "
    "Cells, zones, walking access and activity rooms for a sub-district.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LangOption = Annotated[
    str | None, typer.Option("--lang", help="zh | en: 语言 · language of messages and report.")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="输出文件夹 · folder to write.")]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="替换已有成果 · replace an earlier run.")
]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A console in cp936 lacks some characters (², ✓); a question mark beats a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()


@app.command()
def demo(out: OutOption = None, replace: ReplaceOption = False, lang: LangOption = None) -> None:
    """Generate the demo project and run it · 生成演示项目并运行。"""
    with _sentences(_lang(lang)) as say:
        from gridplan import commands

        folder = out or Path("gridplan-demo")
        plan, run_folder = commands.make_demo(folder, replace=replace, progress=_progress())
        _print_result(plan, run_folder, say)


@app.command()
def init(folder: Annotated[Path, typer.Argument()], lang: LangOption = None) -> None:
    """Write a commented gridplan.toml and a data dictionary · 新建项目文件夹。"""
    with _sentences(_lang(lang)):
        from gridplan import commands

        for path in commands.init_project(folder):
            typer.echo(path)


@app.command()
def check(
    target: Annotated[Path, typer.Argument(help="PROJECT.toml | RUN | PLAN.gpkg")],
    map_file: Annotated[
        Path | None, typer.Option("--map", help="问题位置 GeoJSON · places of the findings.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Read a project and report every fault, or verify a run or GeoPackage · 检查。"""
    with _sentences(_lang(lang)) as say:
        from gridplan import commands

        if target.suffix.lower() == ".toml":
            project, notes = commands.check_project(target)
            place = project.place
            for note in notes:
                typer.echo(f"- {note.message.in_language(say)}")
            typer.echo(
                f"{place.name}: {place.crs.to_string()}, {len(place.communities)} / "
                f"{len(place.committees)} / {len(place.buildings)} / {len(place.streets)} "
                + (
                    "社区/居委会/建筑/道路，可以运行。"
                    if say == "zh"
                    else "communities/committees/buildings/streets; ready to run."
                )
            )
            return
        from gridplan.present.verdict import verdict_lines

        report, notes = commands.check_layers(target, map_file=map_file)
        for line in verdict_lines(report, say, notes=notes, mapped=map_file is not None):
            typer.echo(line)
        if not report.ok:
            raise typer.Exit(_FAULT)


@app.command()
def run(
    project: Annotated[Path, typer.Argument(help="PROJECT.toml")],
    out: OutOption = None,
    replace: ReplaceOption = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE, e.g. siting.p=12")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Make the whole plan of a project · 运行项目。"""
    chosen = _lang(lang)
    with _sentences(chosen) as say:
        from gridplan import commands

        overrides = [*(settings or []), *([f'report.lang="{chosen}"'] if lang else [])]
        plan, folder = commands.run_project(
            project, out=out, replace=replace, overrides=overrides, progress=_progress()
        )
        _print_result(plan, folder, say)


@app.command()
def report(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    formats: Annotated[str, typer.Option("--format", help="html,xlsx")] = "html,xlsx",
    out: OutOption = None,
    lang: LangOption = None,
) -> None:
    """Write the report again from a stored run alone · 由成果重新生成报告。"""
    chosen = _lang(lang)
    with _sentences(chosen):
        from gridplan import commands

        wanted = [one.strip() for one in formats.split(",") if one.strip()]
        for path in commands.report_run(
            run_folder, lang=chosen if lang else None, formats=wanted, out=out
        ):
            typer.echo(path)


@app.command()
def fetch(
    place: Annotated[str, typer.Argument(metavar="PLACE|BOX", help="west,south,east,north")],
    out: Annotated[Path, typer.Option("--out", help="FILE.osm")],
    lang: LangOption = None,
) -> None:
    """Get an OSM extract by OSMnx: the only command that uses the network · 下载 OSM 数据。"""
    with _sentences(_lang(lang)) as say:
        from gridplan.sources.fetch import fetch_extract

        fetched = fetch_extract(place, out)
        date = f"{fetched}"
        typer.echo(f"{out} ({'数据日期' if say == 'zh' else 'data of'} {date})")


@contextlib.contextmanager
def _sentences(lang: Lang) -> Iterator[Lang]:
    """Turn gridplan's errors into one line per fault on stderr, and their exit status."""
    try:
        yield lang
    except GridplanError as error:
        for line in error.lines(lang):
            typer.echo(line, err=True)
        raise typer.Exit(error.exit_status) from None
    except KeyboardInterrupt:
        typer.echo("已中断。" if lang == "zh" else "Interrupted.", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _lang(given: str | None) -> Lang:
    """Return the language asked for, else the locale's."""
    if given in {"zh", "en"}:
        return cast("Lang", given)
    if given is not None:
        typer.echo(f"--lang {given}: zh | en", err=True)
        raise typer.Exit(_FAULT)
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    own = next((name for name in named if name), None) or locale.getlocale()[0] or ""
    return "zh" if own.lower().startswith(("zh", "chinese")) else "en"


def _progress() -> Progress | None:
    """Return a printer of steps where stderr is a terminal, else nothing."""
    if not sys.stderr.isatty():
        return None
    return lambda step: typer.echo(f"· {step}", err=True)


def _print_result(plan: Any, folder: Path, lang: Lang) -> None:  # noqa: ANN401 - stays light
    from gridplan.commands import finished_run
    from gridplan.present import finding

    typer.echo(finding(plan).in_language(lang))
    for missed in plan.summary["targets_missed"]:
        typer.echo(f"! {missed[lang]}")
    typer.echo(f"{'报告' if lang == 'zh' else 'Report'}: {finished_run(folder)}")
