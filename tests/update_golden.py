"""Write the golden summary of the demo anew: ``python -m tests.update_golden``."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from gridplan import run
from gridplan.project import read_project
from gridplan.sources.demo import make_town, write_project


def main() -> None:
    """Run the demo and store its summary."""
    with tempfile.TemporaryDirectory() as scratch:
        plan = run(*read_project(write_project(make_town(), Path(scratch))))
    path = Path(__file__).parent / "golden" / "demo_summary.json"
    text = json.dumps(plan.summary, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
