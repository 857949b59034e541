"""Many games in parallel: spawned processes of one thread each, resumable, stoppable.

A single job plays in this process.
"""

import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
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
_service: "Service"


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


Played = Generator[tuple[Game, Outcome | Failed], None, None]


def play_all(
    games: Sequence[Game],
    journal: Journal,
    jobs: int = 1,
    report: Callable[[int, str], None] = lambda _done, _doing: None,
) -> Result:
    """Play what the journal does not have yet.

    A competitor that fails on a set plays no more on it and spoils nothing else. `report` hears
    how many games are done or given up, and about the last one. KeyboardInterrupt ends it after
    the batches that are being asked; what is finished is in the journal.
    """
    known = journal.read()
    done = {game.key(): known[game.key()] for game in games if game.key() in known}
    result = Result(resumed=len(done))
    waiting = [game for game in games if game.key() not in done]
    open_games = Counter(_place(game) for game in waiting)
    over = len(done)
    report(over, "")
    left = iter(waiting)
    with closing(_here(left, result) if jobs == 1 else _apart(left, result, jobs)) as played:
        for game, got in played:
            place = _place(game)
            given_up = place in result.failures  # with all its games that were not over
            if isinstance(got, Failed):
                result.failures.setdefault(place, got.text)
                over += 0 if given_up else open_games[place]
            else:
                journal.add(got)
                done[game.key()] = got
                open_games[place] -= 1
                over += 0 if given_up else 1
            report(over, f"{game.set_name}, {game.competitor.label}, seed {game.seed}")
    result.outcomes = [done[game.key()] for game in games if game.key() in done]
    return result


def _here(left: Iterator[Game], result: Result) -> Played:
    """Games with what came of them, played in this process."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    with threadpool_limits(1), closing(Service()) as service:
        for game in left:
            if _may_play(game, result):
                yield game, service.play(game)


def _apart(left: Iterator[Game], result: Result, jobs: int) -> Played:
    """Games with what came of them, played in processes, as they end; few are submitted ahead."""
    running: dict[Future[Outcome | Failed], Game] = {}
    with _pool(jobs) as pool:
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
    return _place(game) not in result.failures


def _place(game: Game) -> tuple[str, str]:
    return game.set_name, game.competitor.label


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


class Service:
    """A scratch service that is replaced before old games slow the new ones."""

    def __init__(self, stop: Callable[[], bool] = lambda: False) -> None:
        self._stop = stop
        self._open = ExitStack()
        self._scratch: Scratch | None = None
        self._played = 0

    def play(self, game: Game) -> Outcome | Failed:
        """One game; what a competitor or its data did wrong becomes a line."""
        if self._scratch is None or self._played == _GAMES_PER_SERVICE:
            self._open.close()
            self._scratch, self._played = self._open.enter_context(scratch_service()), 0
        self._played += 1
        try:
            data = _dataset(game.source.path, game.source.label_column)
            return replay(self._scratch, data, game, self._stop)
        except (CompetitorFailed, ValueError, AlserviceError, OSError) as error:
            return Failed(_line(game.competitor, error))
        except Stopped:
            return Failed("stopped")

    def close(self) -> None:
        """Throw the service away."""
        self._open.close()


def begin(stop: Event) -> None:
    """Set up a worker process: one thread, one scratch service; Ctrl-C is the parent's."""
    global _service  # noqa: PLW0603 (a process has one service)
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    _service = Service(stop.is_set)
    multiprocessing.util.Finalize(None, _service.close, exitpriority=10)


def play_one(game: Game) -> Outcome | Failed:
    """One game in this worker process."""
    return _service.play(game)


def _line(competitor: Competitor, error: Exception) -> str:
    return f"{competitor.label}: {str(error) or type(error).__name__}".splitlines()[0]


@lru_cache(maxsize=2)
def _dataset(path: Path, label_column: str | None) -> Dataset:
    return read_dataset(path, label_column)
