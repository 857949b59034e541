"""Run the cases and write bench/results.json: `python bench/run.py [CASE ...]`."""

import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.rows import Row

FOLDER = Path(__file__).parent
CASES = (
    "uncertainty",
    "k_center",
    "badge",
    "coverage",
    "facility_location",
    "bait",
    "graph",
    "auto",
    "query",
    "add_items",
    "submit_labels",
    "train",
    "large_pool",
    "replicas",
    "ray",
)

Json = dict[str, object]


def main(names: list[str], results: Path) -> int:
    """Run the named cases, or all; rows of other cases are kept."""
    unknown = [name for name in names if name not in CASES]
    if unknown:
        sys.stderr.write(f"no such case: {', '.join(unknown)}; there are: {', '.join(CASES)}\n")
        return 2
    kept = [row for row in _earlier(results) if names and row["case"] not in names]
    for name in names or CASES:
        for row in _rows(name):
            kept.append({"case": name, **row.as_json()})
            sys.stdout.write(_line(kept[-1]) + "\n")
            sys.stdout.flush()
            results.write_text(json.dumps(kept, indent=1) + "\n")
    missed = sum(row["held"] is False for row in kept)
    left_out = sum(row["held"] is None for row in kept)
    sys.stdout.write(
        f"{len(kept)} rows in {results}: {missed} missed their target, {left_out} skipped\n"
    )
    return 0


def _rows(name: str) -> "Iterator[Row]":
    from bench.pools import has_real  # they load numpy: threads are limited by now
    from bench.rows import skipped

    case = importlib.import_module(f"bench.case_{name}")
    yield from case.run()
    if hasattr(case, "kinds") and not has_real():
        reason = "real embeddings are not here; ALSERVICE_PUBLIC_DATA names their folder"
        yield skipped(f"{name}-real", "all peers", reason)


def _earlier(results: Path) -> list[Json]:
    return json.loads(results.read_text()) if results.exists() else []


def _line(row: Json) -> str:
    start = f"{row['name']:<34}"
    if row["held"] is None:
        return f"skip   {start} {row['peer']}: {row['reason']}"
    held = "held  " if row["held"] else "MISSED"
    return (
        f"{held} {start} ours {row['ours_s']:9.4f}  {row['peer']:<28} "
        f"{row['peer_s']:9.4f} {row['unit']:<8} ratio {row['ratio']:8.2f}  target {row['target']}"
    )


if __name__ == "__main__":
    # As the server sets it for itself: threads that spin while they wait rob those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # One budget for everybody, set before any library reads it.
    for pool in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"):
        os.environ.setdefault(f"{pool}_NUM_THREADS", "2")
    sys.path.insert(0, str(FOLDER.parent))
    place = os.environ.get("ALSERVICE_BENCH_RESULTS")
    sys.exit(main(sys.argv[1:], Path(place) if place else FOLDER / "results.json"))
