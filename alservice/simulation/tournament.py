"""Many games in parallel: spawned processes of one thread each, resumable, stoppable."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

from alservice.domain.errors import AlserviceError
from alservice.simulation.competitor import Competitor, CompetitorFailed
from alservice.simulation.dataset import Dataset
from alservice.simulation.game import Game, Outcome
from alservice.simulation.journal import Journal
from alservice.simulation.reading import read_dataset
from alservice.simulation.replay import Stopped, replay
from alservice.simulation.scratch import Scratch, scratch_service

_GAMES_PER_SERVICE: Final = 20
_WAITING_PER_JOB: Final = 2
_open: ExitStack
_stop: Event
_service: Scratch
_played: int


@dataclass(slots=True)
class Result:
    """Outcomes in the order of the games; `failures` has one line per competitor and set."""

    outcomes: list[Outcome] = field(default_factory=list)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    resumed: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A game that could not be played, and why, in one line."""

    text: str


def play_all(
    games: Sequence[Game],
    journal: Journal,
    jobs: int = 1,
    report: Callable[[int, str], None] = lambda _done, _doing: None,
) -> Result:
    """Play what the journal does not have yet.

    A competitor that fails on a set plays no more on it and spoils nothing else. `report` hears
    how many games are done, and about the last one. KeyboardInterrupt ends it after the batches
    that are being asked; what is finished is in the journal.
    """
    known = journal.read()
    done = {game.key(): known[game.key()] for game in games if game.key() in known}
    result = Result(resumed=len(done))
    report(len(done), "")
    left = iter([game for game in games if game.key() not in done])
    with _pool(jobs) as pool:
        for game, got in _played_games(pool, left, result, jobs):
            if isinstance(got, Failed):
                result.failures.setdefault((game.set_name, game.competitor.label), got.text)
            else:
                journal.add(got)
                done[game.key()] = got
            report(len(done), f"{game.set_name}, {game.competitor.label}, seed {game.seed}")
    result.outcomes = [done[game.key()] for game in games if game.key() in done]
    return result


def _played_games(
    pool: ProcessPoolExecutor, left: Iterator[Game], result: Result, jobs: int
) -> Iterator[tuple[Game, Outcome | Failed]]:
    """Games with what came of them, as they end; few are submitted ahead."""
    running: dict[Future[Outcome | Failed], Game] = {}
    while True:
        while len(running) < jobs + _WAITING_PER_JOB:
            game = next((g for g in left if _may_play(g, result)), None)
            if game is None:
                break
            running[pool.submit(play_one, game)] = game
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def _may_play(game: Game, result: Result) -> bool:
    return (game.set_name, game.competitor.label) not in result.failures


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes, started afresh: BLAS and the core have threads, which fork breaks."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(jobs, context, initializer=begin, initargs=(stop,))
    try:
        yield pool
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def begin(stop: Event) -> None:
    """Set up a worker process: one thread, one scratch service; Ctrl-C is the parent's."""
    global _open, _stop, _service, _played  # noqa: PLW0603 (a process has one service)
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    _open, _stop, _played = ExitStack(), stop, 0
    _service = _open.enter_context(scratch_service())
    multiprocessing.util.Finalize(None, _open.close, exitpriority=10)


def play_one(game: Game) -> Outcome | Failed:
    """One game in this worker process."""
    global _service, _played  # noqa: PLW0603
    if _played == _GAMES_PER_SERVICE:  # a fresh one, before old games slow the new ones
        _open.close()
        _service, _played = _open.enter_context(scratch_service()), 0
    _played += 1
    try:
        data = _dataset(game.source.path, game.source.label_column)
        return replay(_service, data, game, _stop.is_set)
    except (CompetitorFailed, ValueError, AlserviceError, OSError) as error:
        return Failed(_line(game.competitor, error))
    except Stopped:
        return Failed("stopped")


def _line(competitor: Competitor, error: Exception) -> str:
    return f"{competitor.label}: {str(error) or type(error).__name__}".splitlines()[0]


@lru_cache(maxsize=2)
def _dataset(path: Path, label_column: str | None) -> Dataset:
    return read_dataset(path, label_column)
