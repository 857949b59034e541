"""Scores that others define too are theirs, on the same model: no competitor is a straw man."""

import numpy as np
import pytest

from alservice import strategies
from alservice.core import Engine
from alservice.domain.head import LinearHead
from alservice.domain.strategy import Scoring
from alservice.simulation.judge import judge
from alservice.simulation.protocol import JudgeSpec
from tests.simulation.sets import clouds

pool = pytest.importorskip("skactiveml.pool", reason="scikit-activeml: pip install -e .[bench]")
CLASSES = 3
# Ours, theirs, and theirs as a multiple of ours: our entropy is 1 where all classes are alike.
SHARED = [
    ("margin", "margin_sampling", 1.0),
    ("entropy", "entropy", np.log(CLASSES)),
    ("least_confidence", "least_confident", 1.0),
]


@pytest.mark.parametrize(("ours", "theirs", "unit"), SHARED)
def test_a_shared_score_is_scikit_activeml_s(ours: str, theirs: str, unit: float) -> None:
    data = clouds(300, CLASSES)
    verdict = judge(JudgeSpec(C=2.0), data.vectors[:60], data.classes[:60], CLASSES)
    head, strategy = verdict.head(), strategies.discover()[ours]
    assert isinstance(head, LinearHead) and isinstance(strategy, Scoring)
    vectors = data.vectors.astype(np.float32)
    theirs_made = verdict.estimator.predict_proba(vectors)  # type: ignore[attr-defined]
    known = pool.uncertainty_scores(theirs_made, method=theirs)
    made = unit * strategy.score(head.probabilities(vectors))
    assert np.abs(made - known).max() < 1e-6
    fused = unit * Engine(1).measure_scores(vectors, head.weights, head.bias, strategy.measure)
    assert np.abs(fused - known).max() < 1e-6
