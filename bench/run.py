"""Run the cases and write bench/results.json: `python bench/run.py [CASE ...]`."""

import importlib
import json
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
CASES = ("uncertainty", "k_center", "query", "add_items", "submit_labels", "train")


def main(names: list[str]) -> int:
    """Run the named cases, or all; other rows of results.json are kept."""
    unknown = [name for name in names if name not in CASES]
    if unknown:
        sys.stderr.write(f"no such case: {', '.join(unknown)}; there are: {', '.join(CASES)}\n")
        return 2
    kept = [row for row in _earlier() if names and row["case"] not in names]
    for name in names or CASES:
        for row in importlib.import_module(f"bench.case_{name}").run():
            kept.append({"case": name, **row.as_json()})
            _show(kept[-1])
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    missed = [row["name"] for row in kept if not row["held"]]
    sys.stdout.write(f"{len(kept)} rows in {RESULTS}, {len(missed)} missed their target\n")
    return 0


def _earlier() -> list[dict[str, object]]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else []


def _show(row: dict[str, object]) -> None:
    held = "held  " if row["held"] else "MISSED"
    sys.stdout.write(
        f"{held} {row['name']:<34} ours {row['ours_s']:9.4f}  {row['peer']:<28} "
        f"{row['peer_s']:9.4f} {row['unit']:<8} ratio {row['ratio']:8.2f}  target {row['target']}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    sys.path.insert(0, str(FOLDER.parent))
    sys.exit(main(sys.argv[1:]))
