"""Draws over gradient embeddings against gradients that are written out."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Cancelled, Engine, bf16_from_f32, f32_from_bf16
from alservice.core.gradients import badge

ENGINES = [Engine(1), Engine(2), Engine(2, "scalar")]
F32 = NDArray[np.float32]


def _gradients(vectors: Any, weights: Any, bias: Any) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    logits = wide @ weights.T.astype(np.float64) + bias
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), logits.argmax(axis=1)] -= 1
    ones = np.column_stack([wide, np.ones(len(wide))])
    return np.asarray((p[:, :, None] * ones[:, None]).reshape(len(p), p.shape[1] * ones.shape[1]))


def _blocks(vectors: Any, id_hash: Any, closed: Any, cut: int) -> list[Block]:
    spans = [slice(0, cut), slice(cut, len(vectors))]
    pack = [np.packbits(closed[span], bitorder="little") for span in spans]
    return [
        Block(vectors[span], id_hash[span], bits) for span, bits in zip(spans, pack, strict=True)
    ]


@st.composite
def _pools(draw: st.DrawFn) -> dict[str, Any]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d, classes = draw(st.tuples(st.integers(1, 80), st.integers(1, 33), st.integers(1, 12)))
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    vectors[rng.random(n) < draw(st.sampled_from([0.0, 0.5]))] = vectors[0]
    return {
        "vectors": vectors,
        "id_hash": rng.integers(0, 2**64, n, dtype=np.uint64),
        "closed": rng.random(n) < 0.2,
        "weights": rng.normal(size=(classes, d)).astype(np.float32),
        "bias": rng.normal(size=classes).astype(np.float32),
        "anchors": vectors[: draw(st.integers(0, 3))],
        "cut": draw(st.integers(0, n)),
        "format": draw(st.sampled_from(["f32", "f16", "bf16"])),
    }


def _formatted(vectors: F32, kind: str) -> tuple[NDArray[Any], F32]:
    """In a format, and what that holds."""
    if kind == "f16":
        half = vectors.astype(np.float16)
        return half, half.astype(np.float32)
    bits = bf16_from_f32(vectors.reshape(-1)).reshape(vectors.shape)
    wide = f32_from_bf16(bits.reshape(-1)).reshape(vectors.shape)
    return (bits, wide) if kind == "bf16" else (vectors, vectors)


@settings(max_examples=60, deadline=None)
@given(_pools(), st.integers(0, 12), st.booleans(), st.integers(0, 2**64 - 1))
def test_scores_are_squared_distances_of_gradients(
    pool: dict[str, Any],
    k: int,
    origin: bool,  # noqa: FBT001
    seed: int,
) -> None:
    stored, vectors = _formatted(pool["vectors"], pool["format"])
    head = pool["weights"], pool["bias"]
    gradients = _gradients(vectors, *head)
    centres = list(_gradients(pool["anchors"], *head)) + [np.zeros(gradients.shape[1])] * origin
    norms = (gradients**2).sum(axis=1)
    open_rows = ~pool["closed"]
    blocks = _blocks(stored, pool["id_hash"], pool["closed"], pool["cut"])
    for engine in ENGINES:
        got = badge(engine, blocks, *head, pool["anchors"], k, seed, origin)
        rows = got.row + pool["cut"] * got.block
        assert len(rows) == len(set(rows.tolist())) == min(k, open_rows.sum())
        assert open_rows[rows].all()
        chosen = list(centres)
        for row, score in zip(rows, got.score, strict=True):
            want = min((((gradients[row] - c) ** 2).sum() for c in chosen), default=norms[row])
            if not chosen:
                assert norms[row] >= norms[open_rows].max() * (1 - 1e-4)
            assert score == pytest.approx(want, rel=1e-3, abs=1e-5 * (1e-9 + norms.max()))
            chosen.append(gradients[row])


@settings(max_examples=30, deadline=None)
@given(_pools(), st.integers(0, 20), st.booleans(), st.integers(0, 2**64 - 1))
def test_threads_and_cuts_change_nothing(
    pool: dict[str, Any],
    k: int,
    origin: bool,  # noqa: FBT001
    seed: int,
) -> None:
    rest = pool["weights"], pool["bias"], pool["anchors"], k, seed, origin
    whole = badge(ENGINES[0], _blocks(pool["vectors"], pool["id_hash"], pool["closed"], 0), *rest)
    cut = badge(
        ENGINES[1], _blocks(pool["vectors"], pool["id_hash"], pool["closed"], pool["cut"]), *rest
    )
    np.testing.assert_array_equal(whole.row, cut.row + pool["cut"] * cut.block)
    np.testing.assert_array_equal(whole.score, cut.score)


def test_chances_are_in_proportion_to_squared_distances() -> None:
    """4000 draws, half of which fall on the row of half the weight; fails once in a million."""
    weights, bias = np.zeros((2, 1), np.float32), np.zeros(2, np.float32)
    vectors = np.sqrt(np.array([[3.0], [1.0], [1.0 - 1e-7]], np.float32))
    blocks = _blocks(vectors, np.array([5, 6, 7], np.uint64), np.zeros(3, bool), 0)
    none = np.empty((0, 1), np.float32)
    first = [
        int(badge(ENGINES[0], blocks, weights, bias, none, 1, seed, origin_anchor=True).row[0])
        for seed in range(4000)
    ]
    assert np.mean(np.array(first) == 0) == pytest.approx(0.5, abs=4.9 * 0.5 / 4000**0.5)


def test_a_flag_that_is_set_ends_it() -> None:
    blocks = _blocks(
        np.ones((9, 3), np.float32), np.arange(9, dtype=np.uint64), np.zeros(9, bool), 4
    )
    head = np.ones((2, 3), np.float32), np.zeros(2, np.float32)
    flag = CancelFlag()
    flag.cancel()
    with pytest.raises(Cancelled):
        badge(
            ENGINES[0],
            blocks,
            *head,
            np.ones((1, 3), np.float32),
            2,
            0,
            origin_anchor=False,
            cancel=flag,
        )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"anchors": np.ones((1, 4), np.float32)}, "anchors"),
        ({"anchors": np.full((1, 3), np.nan, np.float32)}, "anchors"),
        ({"weights": np.ones((2, 4), np.float32)}, "dimension"),
        ({"weights": np.full((2, 3), np.nan, np.float32)}, "weights"),
        ({"bias": np.zeros(3, np.float32)}, "weights"),
        ({"seed": -1}, "seed"),
        ({"k": -1}, "k"),
    ],
)
def test_a_refusal_names_what_is_wrong(change: dict[str, Any], word: str) -> None:
    good: dict[str, Any] = {
        "blocks": _blocks(
            np.ones((9, 3), np.float32), np.arange(9, dtype=np.uint64), np.zeros(9, bool), 4
        ),
        "weights": np.ones((2, 3), np.float32),
        "bias": np.zeros(2, np.float32),
        "anchors": np.ones((1, 3), np.float32),
        "k": 2,
        "seed": 0,
        "origin_anchor": True,
    }
    with pytest.raises(ValueError, match=word):
        badge(ENGINES[0], **good | change)
