"""Competitors: strategies of the service, and Python functions on arrays."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Foreign = Callable[..., Any]
"""`f(X, labelled, y_labelled, batch_size, model_proba, rng) -> indices`; see `choose`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What a foreign strategy is shown.

    `vectors` is the whole pool (n, d), `labelled` (m,) the rows labelled so far in order,
    `classes` (m,) theirs, `probabilities` (n, C) the judge's, None while there is no model;
    `model` the judge's fitted estimator, likewise.
    """

    vectors: NDArray[np.float64]
    labelled: NDArray[np.int64]
    classes: NDArray[np.int64]
    class_count: int
    probabilities: NDArray[np.float64] | None
    model: object


_BY_NAME: Final = ("model", "class_count")


class CompetitorFailed(Exception):
    """A foreign strategy broke its promise or raised; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Competitor:
    """What plays: `strategy` of ours, or `foreign`, "file.py:function" or "module:function".

    `stamp` changes when the same name would play otherwise: versions, or a hash of the file (not
    of what it imports).
    """

    label: str
    strategy: str = ""
    diversify: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    foreign: str = ""
    stamp: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`margin`, `entropy+power`, `typiclust:neighbours=10`, `mine.py:function`.

        A prefix `label=` before the strategy's name gives it another name in tables. Raises
        ValueError.
        """
        label, given, rest = text.partition("=")
        if not given or ":" in label:
            label, rest = text, text
        head, _, tail = rest.partition(":")
        if head.endswith(".py") or "." in head:
            return cls(label=tail if label == text else label, foreign=rest)
        strategy, _, diversify = head.partition("+")
        parameters = dict(_parameter(part) for part in tail.split(",") if part)
        return cls(
            label=label.strip(), strategy=strategy, diversify=diversify, parameters=parameters
        )

    @classmethod
    def of(cls, function: Foreign, label: str = "") -> Self:
        """A function as a competitor. It must be importable, for it plays in other processes."""
        name, code = function.__qualname__, getattr(function, "__code__", None)
        if code is None or "<locals>" in name:
            raise ValueError(f"{name} must be defined at the top of a module")
        return cls(label=label or name, foreign=f"{code.co_filename}:{name}")


def _parameter(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        hint = "a function of yours is file.py:function"
        raise ValueError(f"a parameter is name=number, not {text!r}; {hint}") from None


def foreign_stamp(place: str) -> str:
    """A hash of the file of a foreign strategy; "" for one from a module without a file.

    What that file imports is not looked at. Raises ImportError.
    """
    where = place.rpartition(":")[0]
    path = Path(where) if where.endswith(".py") else _file_of(where)
    if path is None or not path.exists():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _file_of(module: str) -> Path | None:
    found = importlib.import_module(module)
    # A package or module of bytecode alone, or a built-in one, has no source.
    source = inspect.getsourcefile(found) if getattr(found, "__file__", None) else None
    return Path(source) if source else None


def load(place: str) -> Foreign:
    """The function at "file.py:function" or "module:function". Raises CompetitorFailed."""
    where, _, name = place.rpartition(":")
    if not where or not name:
        raise CompetitorFailed(f"{place} does not name a function: file.py:function")
    try:
        with redirect_stdout(sys.stderr):  # standard output is the report's
            module = _module(where)
    except (Exception, SystemExit) as error:
        raise CompetitorFailed(f"cannot load {place}: {_told(error, where)}") from error
    if not hasattr(module, name):
        raise CompetitorFailed(f"cannot load {place}: {where} has no function {name!r}")
    found: object = getattr(module, name)
    if not callable(found):
        kind = type(found).__name__
        raise CompetitorFailed(f"cannot load {place}: {name} is no function but of type {kind}")
    return found


def _told(error: BaseException, file: str) -> str:
    """In one line: what was raised and where, in `file` if it went through there."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if Path(frame.filename).name == Path(file).name]
    if not mine or isinstance(error, SyntaxError):  # which says it itself
        return text
    return f"{text} ({Path(file).name}, line {mine[-1].lineno})"


def _module(where: str) -> Any:
    if not where.endswith(".py"):
        return importlib.import_module(where)
    path = Path(where).resolve()
    name = f"_foreign_{abs(hash(str(path)))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.exists():
        raise ImportError(f"there is no file {where}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def choose(function: Foreign, board: Board, batch_size: int, seed: int) -> NDArray[np.int64]:
    """Ask a foreign strategy for `batch_size` distinct rows that are not labelled.

    It is called with the board's vectors, labelled rows, their classes, the batch size, the
    board's probabilities and a seeded generator; and with `model` and `class_count` by name, if
    it has parameters of these names. Raises CompetitorFailed if it breaks its promise.
    """
    try:
        answer = _answer(function, board, batch_size, seed)
    except (Exception, SystemExit) as error:
        file = getattr(getattr(function, "__code__", None), "co_filename", "")
        raise CompetitorFailed(f"it raised {_told(error, file)}") from error
    if answer.ndim != 1 or not np.issubdtype(answer.dtype, np.integer):
        raise CompetitorFailed(f"it returned {answer.dtype} of shape {answer.shape}, not indices")
    return _checked(answer.astype(np.int64), board, batch_size)


def _answer(function: Foreign, board: Board, batch_size: int, seed: int) -> NDArray[Any]:
    wanted = inspect.signature(function).parameters
    more = {name: getattr(board, name) for name in _BY_NAME if name in wanted}
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")  # a stranger's, hundreds of times
        return np.asarray(
            function(
                board.vectors,
                board.labelled.copy(),
                board.classes.copy(),
                batch_size,
                board.probabilities,
                np.random.default_rng(seed),
                **more,
            )
        )


def _checked(chosen: NDArray[np.int64], board: Board, batch_size: int) -> NDArray[np.int64]:
    if len(chosen) != batch_size:
        raise CompetitorFailed(f"it returned {len(chosen)} rows instead of {batch_size}")
    if chosen.min() < 0 or chosen.max() >= len(board.vectors):
        raise CompetitorFailed(f"it returned rows outside of [0, {len(board.vectors)})")
    if len(np.unique(chosen)) < len(chosen):
        raise CompetitorFailed("it returned a row twice")
    if np.isin(chosen, board.labelled).any():
        raise CompetitorFailed("it returned a row that is labelled already")
    return chosen
