"""The other end of `alservice.workers.replay_process`: `python -m alservice.simulation FOLDER FD`.

FOLDER holds job.json and one .npz; the reports are written there. FD is a pipe for a line
`done total remark` per game. It ends when standard input does: then nobody waits for it.
"""

import json
import multiprocessing
import os
import re
import sys
import threading
from pathlib import Path
from typing import IO, Any, Final

from alservice.domain.errors import AlserviceError
from alservice.simulation.comparison import Comparison, checked, source_of, write
from alservice.simulation.competitor import Competitor, CompetitorFailed
from alservice.simulation.protocol import JudgeSpec, Protocol

MOST_POINTS: Final = 200  # of a curve: a report must fit into one answer of 4 MiB
_PATH: Final = re.compile(r"(?<![\w.])['\"]?/[^\s'\"]+['\"]?")


class Unplayable(Exception):
    """The comparison would say nothing; the message is one line."""


def main() -> None:
    """Play the job; exit code 1 and a line in `refusal` if it cannot be played."""
    multiprocessing.set_start_method("spawn", force=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    home = Path(sys.argv[1])
    try:
        with os.fdopen(int(sys.argv[2]), "w", encoding="utf-8") as pipe:
            _play(home, pipe)
    except (Unplayable, CompetitorFailed, AlserviceError, ValueError) as error:
        _refuse(home, str(error))
    except MemoryError:
        _refuse(home, "memory ran out: replay a project with fewer or shorter vectors")
    except OSError as error:
        _refuse(home, error.strerror or "a file could not be written")


def _play(home: Path, pipe: IO[str]) -> None:
    comparison = _comparison(home)
    total = len(comparison.games())

    def report(done: int, remark: str) -> None:
        pipe.write(f"{done} {total} {remark}\n")
        pipe.flush()

    result = comparison.play(home, 1, report)
    result.failures = {place: without_paths(text, home) for place, text in result.failures.items()}
    for (_, who), text in result.failures.items():
        if who == comparison.reference:
            raise Unplayable(f"there is nothing to compare with: {text}")
    if all(outcome.skipped for outcome in result.outcomes):
        raise Unplayable("no game was played")
    write(comparison, result, home, MOST_POINTS)


def _comparison(home: Path) -> Comparison:
    job = json.loads((home / "job.json").read_text(encoding="utf-8"))
    protocol = Protocol(
        standardise=True,
        batch=job["batch_size"],
        budget=job["budget"],
        judge=JudgeSpec(C=1.0),
    )
    (path,) = home.glob("*.npz")
    players = [_player(fields) for fields in job["players"]]
    return Comparison(
        sources=(source_of(path, None, protocol),),
        protocol=protocol,
        competitors=checked(players),
        seeds=tuple(range(job["seeds"])),
        reference=players[0].label,
    )


def _player(fields: dict[str, Any]) -> Competitor:
    """A strategy of ours: from here no file can be named. Raises ValueError."""
    if set(fields) != {"label", "strategy", "diversify"}:
        raise ValueError(f"a player has a label, a strategy and what diversifies it: {fields}")
    return Competitor(**fields)


def _refuse(home: Path, text: str) -> None:
    (home / "refusal").write_text(without_paths(text, home), encoding="utf-8")
    sys.exit(1)


def without_paths(text: str, home: Path) -> str:
    """One line that may be shown to a caller: places of this machine become an ellipsis."""
    line = text.splitlines()[0] if text else "it gives no reason"
    return _PATH.sub("…", line.replace(str(home), "/…"))


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(2)


if __name__ == "__main__":
    main()
