"""Renew the pictures of the README from a fresh run of the demo: `python tools/readme_pictures.py`.

Needs Playwright and Chromium (extra ``test``); CHROMIUM names another browser than Debian's.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from gridplan.commands import make_demo
from gridplan.present import canvas

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH, HEIGHT = 1280, 1150
COLOURS = 256


def screenshot(report: Path) -> bytes:
    """Return the first screen of a report in English as PNG, in a palette."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(report.as_uri())
        page.wait_for_selector("[data-ready=yes]")
        page.click("#language")
        page.mouse.move(0, HEIGHT)
        page.evaluate("document.activeElement.blur()")
        drawn = page.screenshot()
        browser.close()
    out = io.BytesIO()
    pixels = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB"))
    canvas.in_palette(canvas.inks_of(pixels), COLOURS).save(out, format="PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Run the demo in a scratch folder and write both pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "demo"
        make_demo(folder)
        figure = (folder / "figures" / "03_walk_after.png").read_bytes()
        (IMAGES / "demo_walk_after.png").write_bytes(figure)
        (IMAGES / "report.png").write_bytes(screenshot(folder / "report.html"))


if __name__ == "__main__":
    main()
