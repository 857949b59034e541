"""One replay: query, answer with the truth, judge; until the budget is spent."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.head import Head
from alservice.simulation.competitor import Board, Foreign, choose, load
from alservice.simulation.dataset import Dataset, Split, harder
from alservice.simulation.game import Game, Outcome
from alservice.simulation.judge import Constant, Verdict, judge
from alservice.simulation.protocol import prepare, schedule
from alservice.simulation.scratch import Asked, Scratch, ScratchProject

I64 = NDArray[np.int64]
ONE_CLASS: Final = "its first labels are of one class"


class Stopped(Exception):
    """Somebody asked for the end."""


@dataclass(slots=True)
class Labels:
    """Rows labelled so far, those of them that train, and the model of the last round."""

    labelled: list[int] = field(default_factory=list)
    training: list[int] = field(default_factory=list)
    verdict: Verdict | None = None

    def take(self, asked: Asked) -> None:
        """A batch is labelled; what the audit asked for trains nothing."""
        self.labelled += asked.rows.tolist()
        self.training += asked.rows[~asked.audit].tolist()


@dataclass(slots=True)
class Replay:
    """Plays one game on a scratch service; `stop` is asked before each batch."""

    scratch: Scratch
    game: Game
    split: Split
    stop: Callable[[], bool]

    def play(self) -> Outcome:
        """The outcome. Raises CompetitorFailed, Stopped, and what the use cases raise."""
        begun = time.perf_counter()
        game, split, state = self.game, self.split, Labels()
        drawn = np.arange(game.protocol.drawn)
        if len(drawn) and len(np.unique(split.answers[drawn])) == 1:
            return self._outcome(skipped=ONE_CLASS)
        project = self._project()
        foreign = load(game.competitor.foreign) if game.competitor.foreign else None
        if len(drawn):
            project.answer(drawn, split.answers[drawn])
            state.take(Asked(drawn, np.zeros(len(drawn), np.bool_)))
            self._learn(project, state)
        counts, accuracies, own = [], [], []
        sizes = schedule(game.protocol, len(split.answers), split.class_count).sizes
        for number, size in enumerate(sizes):
            if self.stop():
                raise Stopped
            asked = self._ask(project, foreign, state, size, number)
            project.answer(asked.rows, split.answers[asked.rows])
            state.take(asked)
            own_head = self._learn(project, state)
            counts.append(len(state.labelled))
            accuracies.append(self._accuracy(state))
            own.append(self._own_accuracy(state, own_head))
        project.delete()
        rows = split.rows[np.array(state.labelled, np.int64)].tolist()
        return self._outcome(
            label_counts=counts,
            accuracies=accuracies,
            own=own if game.options.trains else [],
            drawn=rows[: len(drawn)],
            picks=rows[len(drawn) :],
            seconds=round(time.perf_counter() - begun, 3),
        )

    def _outcome(self, **fields: object) -> Outcome:
        game = self.game
        named = {"set_name": game.set_name, "competitor": game.competitor.label}
        return Outcome(key=game.key(), seed=game.seed, **named, **fields)  # type: ignore[arg-type]

    def _project(self) -> ScratchProject:
        options, split = self.game.options, self.split
        return self.scratch.begin(
            split.pool,
            split.class_count,
            learner=options.learner,
            salt=_seed(self.game.seed, 0),
            audit=options.audit,
        )

    def _ask(
        self,
        project: ScratchProject,
        foreign: Foreign | None,
        state: Labels,
        size: int,
        number: int,
    ) -> Asked:
        seed = _seed(self.game.seed, 1 + number)
        if foreign is None:
            return project.query(size, self.game.competitor, seed)
        labelled = np.array(state.labelled, np.int64)
        board = Board(
            vectors=self.split.pool,
            labelled=labelled,
            classes=self.split.answers[labelled],
            class_count=self.split.class_count,
            probabilities=self._probabilities(state),
            model=state.verdict.estimator if state.verdict is not None else None,
        )
        rows = choose(foreign, board, size, seed)
        return Asked(rows, np.zeros(len(rows), np.bool_))

    def _probabilities(self, state: Labels) -> NDArray[np.float64] | None:
        head = state.verdict.head() if state.verdict is not None else None
        if head is None:
            return None
        return head.probabilities(self.split.pool.astype(np.float32)).astype(np.float64)

    def _learn(self, project: ScratchProject, state: Labels) -> Head | None:
        """Train the judge, and the service as far as it is asked to; the service's own head."""
        rows = np.sort(np.array(state.training, np.int64))
        if not len(rows):
            return None
        split, options = self.split, self.game.options
        classes = split.answers[rows]
        state.verdict = judge(
            self.game.protocol.judge, split.pool[rows], classes, split.class_count
        )
        own = None
        if options.trains and not isinstance(state.verdict, Constant):
            own = project.train(activate=options.model == "service")
        if options.model == "judge" and not self.game.competitor.foreign:
            head = state.verdict.head()
            if head is not None:
                project.deploy(head, self.game.protocol.judge.C * self._squares())
        return own

    def _squares(self) -> float:
        """The mean squared norm: a penalty counts in units of it."""
        return float((self.split.pool**2).sum(axis=1).mean())

    def _accuracy(self, state: Labels) -> float:
        if state.verdict is None:
            return 0.0
        return state.verdict.accuracy(self.split.test, self.split.truth)

    def _own_accuracy(self, state: Labels, head: Head | None) -> float:
        if head is None:
            constant = isinstance(state.verdict, Constant)
            return self._accuracy(state) if constant else 0.0
        logits = head.logits(self.split.test.astype(np.float32))
        return float((logits.argmax(axis=1) == self.split.truth).mean())


def replay(
    scratch: Scratch, data: Dataset, game: Game, stop: Callable[[], bool] = lambda: False
) -> Outcome:
    """Play the game on this data. Raises ValueError, CompetitorFailed, Stopped, AlserviceError."""
    from sklearn import config_context  # noqa: PLC0415 (slow to import)

    split = harder(prepare(data, game.protocol, game.seed), game.variant, game.seed)
    # What is checked here is not checked again in each of thousands of small fits.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        return Replay(scratch, game, split, stop).play()


def _seed(seed: int, number: int) -> int:
    """A seed of 63 bits of its own for each query of each replay, the same for all competitors."""
    (word,) = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return int(word >> np.uint64(1))
