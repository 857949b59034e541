"""The other end of `alservice.workers.replay_process`: `python -m alservice.simulation FOLDER`.

FOLDER holds job.json and one .npz; the reports are written there. Standard output has a line
`done total remark` per game. It ends when standard input does: then nobody waits for it.
"""

import json
import multiprocessing
import os
import sys
import threading
from pathlib import Path

from alservice.simulation.comparison import Comparison, checked, source_of, write
from alservice.simulation.competitor import Competitor
from alservice.simulation.protocol import JudgeSpec, Protocol


def main() -> None:
    """Play the job; exit code 1 and a line in `refusal` if nothing could be played."""
    multiprocessing.set_start_method("spawn", force=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    home = Path(sys.argv[1])
    comparison = _comparison(home)
    total = len(comparison.games())

    def report(done: int, remark: str) -> None:
        sys.stdout.write(f"{done} {total} {remark}\n")
        sys.stdout.flush()

    result = comparison.play(home, 1, report)
    if not any(not outcome.skipped for outcome in result.outcomes):
        texts = [*result.failures.values(), "no game was played"]
        (home / "refusal").write_text(texts[0], encoding="utf-8")
        sys.exit(1)
    write(comparison, result.outcomes, home)


def _comparison(home: Path) -> Comparison:
    job = json.loads((home / "job.json").read_text(encoding="utf-8"))
    protocol = Protocol(
        standardise=True,
        batch=job["batch_size"],
        budget=job["budget"],
        judge=JudgeSpec(C=1.0),
    )
    (path,) = home.glob("*.npz")
    names = job["strategies"]
    return Comparison(
        sources=(source_of(path, None, protocol),),
        protocol=protocol,
        competitors=checked([Competitor.parse(name) for name in names]),
        seeds=tuple(range(job["seeds"])),
        reference=names[0],
    )


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(2)


if __name__ == "__main__":
    main()
