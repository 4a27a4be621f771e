"""The command line: parse, call, turn errors into sentences and exit statuses."""

from __future__ import annotations

import contextlib
import locale
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gridplan import __version__
from gridplan.errors import GridplanError, Language, Message, SettingsError, counted
from gridplan.progress import Progress, StepPrinter

_INTERRUPTED = 130
_FAULT = 2
_REMARKS = 5
"""Lines of remarks that a run prints; the report has all."""

app = typer.Typer(
    name="gridplan",
    help="单元网格、责任区、步行可达与活动室选址 · "
    "Cells, zones, walking access and activity rooms for a sub-district.",
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


@dataclass
class Voice:
    """
    The language of the messages of every command.

    That of ``--lang``, else the report's where the settings name one, else the locale's.
    """

    lang: Language
    is_given: bool

    def follow(self, wanted: Language | None) -> None:
        """Take a project's language, unless the command line asked for one."""
        if wanted and not self.is_given:
            self.lang = wanted

    def say(self, message: Message, *, mark: str = "", err: bool = False) -> None:
        """Print a message."""
        typer.echo(f"{mark}{message.in_language(self.lang)}", err=err)

    @property
    def overrides(self) -> list[str]:
        """The setting that ``--lang`` stands for."""
        return [f'report.lang="{self.lang}"'] if self.is_given else []


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="版本 · version.")] = False,
) -> None:
    """Print the version, or the help where no command is named."""
    if version:
        typer.echo(f"gridplan {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def demo(out: OutOption = None, replace: ReplaceOption = False, lang: LangOption = None) -> None:
    """生成演示项目并运行 · Generate the demo project and run it."""
    with _sentences(lang) as voice:
        from gridplan import commands

        plan, folder = commands.make_demo(
            out or Path("gridplan-demo"),
            replace=replace,
            overrides=voice.overrides,
            progress=_progress(commands.DEMO_STEPS, voice),
        )
        voice.follow(commands.run_language(folder))
        _print_result(plan, folder, voice)


@app.command()
def init(folder: Annotated[Path, typer.Argument()], lang: LangOption = None) -> None:
    """新建项目文件夹 · Write a commented gridplan.toml and a data dictionary."""
    with _sentences(lang):
        from gridplan import commands

        for path in commands.init_project(folder):
            typer.echo(path)


@app.command()
def check(
    target: Annotated[
        Path, typer.Argument(help="项目、成果文件夹或图层文件 · PROJECT.toml, RUN or PLAN.gpkg.")
    ],
    map_file: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE.geojson", help="问题位置 · places of the findings."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="按临时设置检查项目 · check a project with it, e.g. siting.p=12."
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="手绘责任区人口容差 · how far residents of drawn zones may be off, e.g. 0.2.",
        ),
    ] = None,
    lang: LangOption = None,
) -> None:
    """检查项目、成果或图层 · Report every fault of a project, or verify a run or GeoPackage."""
    with _sentences(lang) as voice:
        if target.suffix.lower() == ".toml":
            if tolerance is not None:
                raise SettingsError(_TOLERANCE)
            _check_project(target, map_file, settings or [], voice)
        elif settings:
            raise SettingsError(
                Message(
                    en=f"--set is for a project (.toml), and {target} has its settings already. "
                    f"Leave it out.",
                    zh=f"--set 只用于项目（.toml），而 {target} 的设置已定。请去掉 --set。",
                )
            )
        else:
            _check_layers(target, map_file, tolerance, voice)


_TOLERANCE = Message(
    en="--tolerance is for layers with zones drawn by hand; of a project set [zones].tolerance, "
    "e.g. --set zones.tolerance=0.1.",
    zh="--tolerance 只用于含手绘责任区的图层；项目请设置 [zones].tolerance，"
    "如 --set zones.tolerance=0.1。",
)


def _check_project(
    toml: Path, map_file: Path | None, settings: Sequence[str], voice: Voice
) -> None:
    from gridplan import commands

    overrides = [*settings, *voice.overrides]
    voice.follow(commands.project_language(toml, overrides))
    project, remarks = commands.check_project(toml, overrides=overrides, map_file=map_file)
    for remark in remarks:
        voice.say(remark, mark="- ")
    voice.say(commands.inventory(project.place))


def _check_layers(
    target: Path, map_file: Path | None, tolerance: float | None, voice: Voice
) -> None:
    from gridplan import commands, layer_commands
    from gridplan.present.verdict import verdict_lines

    voice.follow(commands.run_language(target))
    report, notes = layer_commands.check_layers(target, map_file=map_file, tolerance=tolerance)
    for line in verdict_lines(
        report,
        voice.lang,
        notes=notes,
        mapped=map_file is not None,
        judged=tolerance is not None,
    ):
        typer.echo(line)
    if not report.ok:
        raise typer.Exit(_FAULT)


@app.command()
def run(
    project: Annotated[Path, typer.Argument(help="项目设置文件 · PROJECT.toml.")],
    out: OutOption = None,
    replace: ReplaceOption = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="临时改设置 · a setting for this run, e.g. siting.p=12."),
    ] = None,
    lang: LangOption = None,
) -> None:
    """运行项目 · Make the whole plan of a project."""
    with _sentences(lang) as voice:
        from gridplan import commands
        from gridplan.halting import Halt

        overrides = [*(settings or []), *voice.overrides]
        voice.follow(commands.project_language(project, overrides))
        printer = _progress(commands.RUN_STEPS, voice)
        with Halt(say=lambda told: voice.say(told, err=True), progress=printer) as halt:
            plan, folder = commands.run_project(
                project,
                out=out,
                replace=replace,
                overrides=overrides,
                progress=halt,
                stop=halt.stop,
            )
        _print_result(plan, folder, voice)


@app.command()
def report(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    formats: Annotated[str, typer.Option("--format", help="报告格式 · html,xlsx.")] = "html,xlsx",
    out: OutOption = None,
    lang: LangOption = None,
) -> None:
    """由成果重新生成报告 · Write the report again from a stored run alone."""
    with _sentences(lang) as voice:
        from gridplan import commands

        voice.follow(commands.run_language(run_folder))
        wanted = [one.strip() for one in formats.split(",") if one.strip()]
        for path in commands.report_run(
            run_folder, lang=voice.lang if voice.is_given else None, formats=wanted, out=out
        ):
            typer.echo(path)


@app.command()
def fieldcheck(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    top: Annotated[int, typer.Option("--top", help="清单项数 · places on the list.")] = 30,
    lost_m: Annotated[
        float,
        typer.Option(
            "--lost-m",
            help="可达性改变的居民每人折合米数 · metres that count for a resident who would gain "
            "or lose any walk at all.",
        ),
    ] = 1000.0,
    merge: Annotated[
        Path | None,
        typer.Option("--merge", help="RETURNED.gpkg: 合并答复并重新规划 · plan again with it."),
    ] = None,
    out: OutOption = None,
    replace: ReplaceOption = False,
    lang: LangOption = None,
) -> None:
    """实地核查清单与答复 · List what to look at on the ground, or merge what was found."""
    with _sentences(lang) as voice:
        from gridplan import commands, field_commands
        from gridplan.fieldcheck import CheckOptions

        voice.follow(commands.run_language(run_folder))
        if merge is not None:
            plan, folder = field_commands.merge_checks(
                run_folder,
                merge,
                out=out,
                replace=replace,
                progress=_progress(commands.RUN_STEPS, voice),
            )
            _print_result(plan, folder, voice)
            return
        check, folder = field_commands.list_checks(
            run_folder,
            options=CheckOptions(top=top, lost_m=lost_m),
            out=out,
            replace=replace,
            lang=voice.lang if voice.is_given else None,
        )
        _print_checks(check, folder, voice)


@app.command()
def confirm(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    out: OutOption = None,
    replace: ReplaceOption = False,
    lang: LangOption = None,
) -> None:
    """边界确认书 · Write what departments sign for one boundary: land, maps, borders."""
    with _sentences(lang) as voice:
        from gridplan import commands, sign_commands

        voice.follow(commands.run_language(run_folder))
        land, folder = sign_commands.write_sheets(
            run_folder, out=out, replace=replace, lang=voice.lang if voice.is_given else None
        )
        voice.say(sign_commands.counted_land(land))
        page = folder / "confirmation.html"
        voice.say(Message(en=f"To be signed: {page}", zh=f"边界确认书：{page}"))


@app.command()
def fetch(
    place: Annotated[str, typer.Argument(metavar="PLACE|BOX", help="west,south,east,north")],
    out: Annotated[Path, typer.Option("--out", help="FILE.osm")],
    lang: LangOption = None,
) -> None:
    """下载 OSM 数据 · Get an OSM extract by OSMnx, the only command that uses the network."""
    with _sentences(lang) as voice:
        from gridplan.sources.fetch import fetch_extract

        fetched = fetch_extract(place, out)
        voice.say(Message(en=f"(data of {fetched})", zh=f"（数据日期 {fetched}）"), mark=f"{out} ")


@contextlib.contextmanager
def _sentences(lang: str | None) -> Iterator[Voice]:
    """Turn gridplan's errors into one line per fault on stderr, and their exit status."""
    voice = Voice(_language(lang), is_given=lang is not None)
    try:
        if sys.stderr.isatty():  # the packages take seconds to load the first time
            voice.say(Message(en="Loading …", zh="正在加载……"), err=True)
        yield voice
    except GridplanError as error:
        for line in error.lines(voice.lang):
            typer.echo(line, err=True)
        raise typer.Exit(error.exit_status) from None
    except OSError as error:
        # A full disk, a name too long, a share that went away: nothing of ours is at fault.
        where = f" ({error.filename})" if error.filename else ""
        reason = f"{error.strerror or error}{where}."
        voice.say(Message(en=f"The system refused: {reason}", zh=f"系统拒绝：{reason}"), err=True)
        raise typer.Exit(_FAULT) from None
    except KeyboardInterrupt:
        voice.say(Message(en="Interrupted.", zh="已中断。"), err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _language(given: str | None) -> Language:
    """Return the language asked for, else the locale's."""
    if given in {"zh", "en"}:
        return cast("Language", given)
    if given is not None:
        typer.echo(f"--lang {given}: zh | en", err=True)
        raise typer.Exit(_FAULT)
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    own = next((name for name in named if name), None) or locale.getlocale()[0] or ""
    return "zh" if own.lower().startswith(("zh", "chinese")) else "en"


def _progress(steps: Sequence[str], voice: Voice) -> Progress | None:
    """Return a printer of steps where stderr is a terminal, else nothing."""
    if not sys.stderr.isatty():
        return None
    return StepPrinter(steps, lang=voice.lang, write=lambda line: typer.echo(line, err=True))


def _print_checks(check: Any, folder: Path, voice: Voice) -> None:  # noqa: ANN401 - stays light
    more = sum(check.further.values())
    places = counted(len(check.items), "place", "places")
    voice.say(
        Message(
            en=f"{places} to look at ({more} more of less effect).",
            zh=f"待核查 {len(check.items)} 处（另有 {more} 处影响较小）。",
        )
    )
    page, points = folder / "fieldcheck.html", folder / "fieldcheck.gpkg"
    voice.say(Message(en=f"List: {page}", zh=f"清单：{page}"))
    voice.say(Message(en=f"For the field: {points}", zh=f"外业：{points}"))


def _print_result(plan: Any, folder: Path, voice: Voice) -> None:  # noqa: ANN401 - stays light
    from gridplan import commands
    from gridplan.present import finding, mix_sentence

    voice.say(finding(plan))
    if mix := mix_sentence(plan):
        voice.say(mix)
    for missed in plan.summary["targets_missed"]:
        voice.say(Message(en=missed["en"], zh=missed["zh"]), mark="! ")
    remarks = commands.run_remarks(plan)
    for remark in remarks[:_REMARKS]:
        voice.say(remark, mark="- ")
    if more := len(remarks[_REMARKS:]):
        voice.say(Message(en=f"… {more} more in the report.", zh=f"……另有 {more} 条见报告。"))
    page = commands.finished_run(folder)
    voice.say(Message(en=f"Report: {page}", zh=f"报告：{page}"))
