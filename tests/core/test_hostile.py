"""Whatever is passed to the core, the answer is a result, a ValueError or a TypeError."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alservice import core
from alservice.core import Block, Engine, clustering

Args = dict[str, Any]

ROWS = np.ones((9, 4), np.float32)
ENGINE = Engine(1)
IDS = {
    "id_hash": np.array([5, 6], np.uint64),
    "order": np.array([0, 1], np.uint32),
    "id_bytes": np.frombuffer(b"abc", np.uint8),
    "offsets": np.array([0, 1, 3], np.int64),
}
INDEX = tuple(IDS.values())


def _block(**changes: Any) -> list[Block]:
    good = {
        "vectors": ROWS,
        "id_hash": np.arange(9, dtype=np.uint64),
        "excluded": np.zeros(2, np.uint8),
    }
    return [Block(**{**good, **changes})]


HEAD = {"weights": np.ones((3, 4), np.float32), "bias": np.zeros(3, np.float32)}
CHOICE = {"k": 2, "seed": 0}
#: Modules whose functions are not among the exports of the package.
MODULES = [clustering]
#: Every export with arguments that are right.
CALLS: dict[str, tuple[Callable[..., object], Args]] = {
    "score_top_k": (
        ENGINE.score_top_k,
        {"blocks": _block(), **HEAD, "measure": "margin", **CHOICE},
    ),
    "random_top_k": (ENGINE.random_top_k, {"blocks": _block(), **CHOICE}),
    "top_k": (
        ENGINE.top_k,
        {"scores": [np.zeros(9, np.float32)], "blocks": _block(), **CHOICE},
    ),
    "k_center": (ENGINE.k_center, {"blocks": _block(), "anchors": ROWS, **CHOICE}),
    "nearest_centres": (
        clustering.nearest_centres,
        {"engine": ENGINE, "vectors": ROWS, "centres": ROWS},
    ),
    "nearest_within": (
        clustering.nearest_within,
        {
            "engine": ENGINE,
            "vectors": ROWS,
            "members": np.arange(9, dtype=np.int64),
            "sizes": np.array([4, 5], np.int64),
            "k": 2,
        },
    ),
    "k_means": (
        clustering.k_means,
        {"engine": ENGINE, "vectors": ROWS, "weights": ROWS[:, 0].copy(), **CHOICE},
    ),
    "k_means_plus_plus": (
        clustering.k_means_plus_plus,
        {
            "engine": ENGINE,
            "vectors": ROWS,
            "weights": ROWS[:, 0].copy(),
            "anchors": ROWS,
            **CHOICE,
        },
    ),
    "neighbours": (
        clustering.neighbours,
        {"engine": ENGINE, "queries": ROWS, "base": ROWS, "k": 2},
    ),
    "measure_scores": (
        ENGINE.measure_scores,
        {"block_vectors": ROWS, **HEAD, "measure": "margin"},
    ),
    "probabilities": (ENGINE.probabilities, {"vectors": ROWS, **HEAD}),
    "gather": (
        ENGINE.gather,
        {"blocks": _block(), "block_idx": np.zeros(2, np.int64), "row_idx": np.arange(2)},
    ),
    "sum": (ENGINE.sum, {"vectors": ROWS}),
    "Engine": (Engine, {"threads": 1, "simd": "auto"}),
    "NearestState": (core.NearestState, {"dimension": 4}),
    "bf16_from_f32": (core.bf16_from_f32, {"values": ROWS}),
    "f32_from_bf16": (core.f32_from_bf16, {"values": np.zeros(3, np.uint16)}),
    "first_nonfinite": (core.first_nonfinite, {"vectors": ROWS}),
    "crc32c": (core.crc32c, {"data": b"abc", "initial": 0}),
    "hash_ids": (core.hash_ids, {k: IDS[k] for k in ("id_bytes", "offsets")}),
    "keyed_hash": (core.keyed_hash, {"id_hash": IDS["id_hash"], "key": 1}),
    "sort_hashes": (core.sort_hashes, {"id_hash": IDS["id_hash"]}),
    "find_ids": (
        core.find_ids,
        {
            **IDS,
            "query_hash": IDS["id_hash"],
            "query_bytes": IDS["id_bytes"],
            "query_offsets": IDS["offsets"],
        },
    ),
    "common_ids": (core.common_ids, {"a": INDEX, "b": INDEX}),
    "repeated_ids": (core.repeated_ids, IDS),
}


def _spoilt_arrays(good: NDArray[Any]) -> list[object]:
    """Another dtype, byte order, shape, layout, alignment, values or kind."""
    shifted = np.zeros(good.nbytes + 1, np.uint8)[1:].view(good.dtype).reshape(good.shape)
    spoilt: list[object] = [
        good.astype(np.complex128),
        good.astype(object),
        good[None],
        good[:0],
        good[..., :-1],
        np.asfortranarray(np.stack([good, good], axis=-1))[..., 0],
        np.broadcast_to(good.flat[0], good.shape),
        np.full_like(good, good.dtype.type(-1) if good.dtype.kind == "i" else good.flat[0]),
        good.tolist(),
        None,
        b"abc",
    ]
    if good.dtype.itemsize > 1:
        spoilt += [good.astype(good.dtype.newbyteorder()), shifted]
    if good.dtype.kind == "f":
        spoilt += [np.full_like(good, np.nan), np.full_like(good, np.inf)]
    return spoilt


def _spoilt(good: object) -> list[object]:
    if isinstance(good, np.ndarray):
        return _spoilt_arrays(good)
    if isinstance(good, int):
        return [-1, 2**63, 2**64, 2**200, 1.5, "1", None]
    if isinstance(good, str):
        return ["", "margins", 1, None]
    if isinstance(good, tuple):
        return [
            good[:2],
            (None, *good[1:]),
            *((good[0], bad, *good[2:]) for bad in _spoilt(good[1])),
        ]
    if isinstance(good, list) and isinstance(good[0], Block):
        changes = [
            {name: bad}
            for name in ("vectors", "id_hash", "excluded")
            for bad in _spoilt(getattr(good[0], name))
        ]
        return [[], [None], None, *(_block(**change) for change in changes)]
    return [] if isinstance(good, Engine) else [[], [None], None, 1]


CASES = [
    pytest.param(call, name, index, id=f"{export}-{name}-{index}")
    for export, call in CALLS.items()
    for name, good in call[1].items()
    for index in range(len(_spoilt(good)))
]


def test_every_export_is_fed() -> None:
    methods = {m for m, _ in inspect.getmembers(Engine, inspect.isfunction) if m[0] != "_"}
    data = {"Block", "CancelFlag", "Cancelled", "Ranked", "build_info"}
    functions = {
        name
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and name[0] != "_"
    }
    assert set(CALLS) == methods | functions | set(core.__all__) - data
    assert len(CASES) > 300


@pytest.mark.parametrize("export", CALLS)
def test_the_right_arguments_are_accepted(export: str) -> None:
    call, good = CALLS[export]
    assert call(**good) is not None


@pytest.mark.parametrize(("call", "name", "index"), CASES)
def test_no_argument_makes_the_core_panic(
    call: tuple[Callable[..., object], Args], name: str, index: int
) -> None:
    function, good = call
    bad = _spoilt(good[name])[index]
    try:
        assert function(**{**good, name: bad}) is not None
    except (ValueError, TypeError) as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("export", "name", "bad", "word"),
    [
        ("score_top_k", "k", -1, "k"),
        ("score_top_k", "measure", "margins", "least_confidence"),
        ("score_top_k", "weights", np.full((3, 4), np.nan, np.float32), "not finite"),
        ("score_top_k", "bias", np.zeros(2, np.float32), "weights"),
        ("random_top_k", "seed", 2**64, "seed"),
        ("top_k", "scores", [np.full(9, np.nan, np.float32)], "not finite"),
        ("top_k", "scores", [], "expected 1"),
        ("k_center", "anchors", np.ones((1, 5), np.float32), "dimension"),
        ("gather", "row_idx", np.array([0, 9], np.int64), "position 1"),
        ("sum", "vectors", ROWS.T, "contiguous"),
        ("Engine", "threads", 0, "threads"),
        ("Engine", "simd", "mmx", "scalar"),
        ("hash_ids", "offsets", np.array([0, 4], np.int64), "offsets"),
        ("repeated_ids", "order", np.array([0, 2], np.uint32), "order"),
    ],
)
def test_a_refusal_names_what_is_wrong(export: str, name: str, bad: object, word: str) -> None:
    call, good = CALLS[export]
    with pytest.raises(ValueError, match=word):
        call(**{**good, name: bad})


def test_more_rows_than_memory_is_an_error_and_not_the_end() -> None:
    # Rows without values take no memory, whatever their number.
    endless = np.empty((2**50, 0), np.float32)
    empty = {"weights": np.empty((3, 0), np.float32), "bias": np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match="weights"):
        ENGINE.probabilities(endless, **empty)
    assert core.first_nonfinite(endless) == -1
    assert ENGINE.sum(endless) == 0
