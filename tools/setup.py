"""
Set the project up: its environment, its packages and, for the tests, Debian packages.

Called by the Makefile before every command (``python3 tools/setup.py core``). It runs on
the bare Python of the machine, so it uses the standard library alone. A step that is done
leaves a stamp in ``.build/``, which makes the second time quick.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
SHOWN_LINES = 15
SAY_EVERY_S = 10.0

EXTRAS: Mapping[str, frozenset[str]] = {
    "core": frozenset(),
    "bench": frozenset({"bench", "osmnx"}),
    "lab": frozenset({"notebook", "osmnx"}),
    "test": frozenset({"notebook", "osmnx", "raster", "test"}),
}
"""What each kind of set-up installs beyond the core, as named in pyproject.toml."""

PINS: Sequence[str | Path] = ("--constraint", ROOT / "constraints.txt")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Commands that the browser tests can drive, the first one found."""


class SetupError(Exception):
    """A step failed; the text says which, and what the failing command printed last."""


def say(en: str, zh: str, *, because: object = "") -> None:
    """Print one line in both languages, and under it what a command printed."""
    print(f"[set-up] {en} / {zh}", flush=True)
    for line in str(because).splitlines():
        print(f"         {line}", flush=True)


def run(command: Sequence[str | Path], **environ: str) -> str:
    """
    Run a command quietly and return what it printed; SetupError if it fails.

    Of a command that takes long, a line tells now and then that it is still at work.
    """
    words = [str(word) for word in command]
    try:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        msg = f"{' '.join(words)}: {error}"
        raise SetupError(msg) from error
    printed = wait(process)
    if process.returncode:
        last = "\n".join(printed.strip().splitlines()[-SHOWN_LINES:])
        msg = f"{' '.join(words)} (exit status {process.returncode})\n{last}"
        raise SetupError(msg)
    return printed


def wait(process: subprocess.Popen[str]) -> str:
    """Return what a process printed when it has ended; say every few seconds that it has not."""
    began = time.perf_counter()
    try:
        while True:
            try:
                return process.communicate(timeout=SAY_EVERY_S)[0]
            except subprocess.TimeoutExpired:
                seconds = time.perf_counter() - began
                say(f"… still at it after {seconds:.0f} s", f"……仍在进行，已 {seconds:.0f} 秒")
    except BaseException:
        process.kill()
        raise


def tool(environment: Path, name: str) -> Path:
    """Return the path of a command of an environment, such as ``python``."""
    folder = environment / ("Scripts" if os.name == "nt" else "bin")
    return folder / (f"{name}.exe" if os.name == "nt" else name)


def stamp_key(environment: Path) -> str:
    """
    Return the hash of all that decides what is in the environment.

    The environment's own birth and place belong to it: one that was made anew or moved
    with its folder has to be filled again.
    """
    born = (environment / "pyvenv.cfg").stat().st_mtime_ns
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    parts += [str(environment).encode(), str(born).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_ready(kind: str, environment: Path, stamps: Path) -> bool:
    """Tell whether a set-up of this kind, or of one that holds more, is still good."""
    if not (environment / "pyvenv.cfg").is_file() or not tool(environment, "python").exists():
        return False
    key = stamp_key(environment)
    enough = [stamps / name for name, extras in EXTRAS.items() if extras >= EXTRAS[kind]]
    return any(one.is_file() and one.read_text(encoding="utf-8") == key for one in enough)


def is_sound(environment: Path) -> bool:
    """Tell whether an environment has a Python that runs, and pip."""
    try:
        run([tool(environment, "python"), "-c", "import pip"])
    except SetupError:
        return False
    return True


def make_environment(environment: Path) -> None:
    """Make the virtual environment, unless a sound one is there."""
    if is_sound(environment):
        return
    say(
        ".venv: a Python environment of the project's own, so that nothing else is touched",
        "项目自己的 Python 环境，不影响其他软件",
    )
    if importlib.util.find_spec("ensurepip") is None:  # Debian ships Python without it
        debian_install(["python3-venv"])
    run([sys.executable, "-m", "venv", "--clear", environment])


def install(python: Path, requirements: Sequence[str | Path], *, uv: Path) -> str:
    """
    Install requirements under the pins of constraints.txt; return the installer's name.

    `uv` takes seconds where pip takes minutes. If it fails (a proxy, a mirror, a
    certificate that only pip knows), pip does the same.
    """
    try:
        command = [uv, "pip", "install", "--python", python, *PINS, *requirements]
        run(command)
    except SetupError as error:
        say("uv failed, pip takes over (slower)", "uv 失败，改用 pip（较慢）", because=error)
        run([python, "-m", "pip", "install", *PINS, *requirements])
        return "pip"
    return "uv"


def get_uv(environment: Path) -> None:
    """Install uv into the environment; where it cannot be had, say so and go on."""
    if tool(environment, "uv").exists():
        return
    say("uv: installs the packages in seconds", "快速安装依赖包")
    try:
        run([tool(environment, "python"), "-m", "pip", "install", *PINS, "uv"])
    except SetupError as error:
        say("uv cannot be had", "无法安装 uv", because=error)


def requirement(kind: str) -> list[str]:
    """Return the arguments that install the project itself, with its extras."""
    extras = ",".join(sorted(EXTRAS[kind]))
    return ["--editable", f".[{extras}]" if extras else "."]


def missing_debian_packages() -> list[str]:
    """Return the Debian packages that the browser tests lack."""
    missing = [] if any(map(shutil.which, BROWSERS)) else ["chromium"]
    listing = shutil.which("fc-list")
    has_font = listing is not None and run([listing, ":lang=zh-cn", "family"]).strip()
    return missing if has_font else [*missing, "fonts-noto-cjk"]


def debian_install(packages: Sequence[str]) -> None:
    """Install Debian packages, as root; otherwise name the command and raise SetupError."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        msg = f"these have to be installed by an administrator: apt-get install {names}"
        raise SetupError(msg)
    run(["apt-get", "update"], DEBIAN_FRONTEND="noninteractive")
    options = ["--yes", "--no-install-recommends"]
    run(["apt-get", "install", *options, *packages], DEBIAN_FRONTEND="noninteractive")


def set_up_python(kind: str, environment: Path, stamps: Path) -> None:
    """Make the environment and install the project with the extras of this kind."""
    began = time.perf_counter()
    extras = ", ".join(sorted(EXTRAS[kind]))
    make_environment(environment)
    get_uv(environment)
    say(
        f"gridplan and the packages it needs, as pinned in constraints.txt; "
        f"extras: {extras or 'none'}",
        f"gridplan 及其依赖，版本见 constraints.txt；附加组：{extras or '无'}",
    )
    install(tool(environment, "python"), requirement(kind), uv=tool(environment, "uv"))
    stamps.mkdir(exist_ok=True)
    (stamps / kind).write_text(stamp_key(environment), encoding="utf-8")
    seconds = time.perf_counter() - began
    say(f"ready after {seconds:.1f} s", f"用时 {seconds:.1f} 秒")


def set_up_browser() -> None:
    """Install Chromium and a Chinese font for the tests; go on without if that fails."""
    missing = missing_debian_packages()
    if not missing:
        return
    say(
        f"Debian packages {', '.join(missing)}: the tests open the report in a browser",
        "测试用浏览器打开报告",
    )
    try:
        debian_install(missing)
    except SetupError as error:
        say("without them the browser tests are skipped", "缺少时跳过浏览器测试", because=error)


def main(kind: str) -> int:
    """Set up what `kind` needs; return the exit status."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        oldest = ".".join(map(str, OLDEST_PYTHON))
        say(
            f"Python {found} is too old, {oldest} is needed: make PYTHON=python{oldest} …",
            f"Python {found} 版本过低，需要 {oldest}：make PYTHON=python{oldest} …",
        )
        return 2
    environment, stamps = ROOT / ".venv", ROOT / ".build"
    try:
        if not is_ready(kind, environment, stamps):
            set_up_python(kind, environment, stamps)
        if kind == "test":
            set_up_browser()
    except SetupError as error:
        say("stopped", "安装中止", because=error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["core"]))
