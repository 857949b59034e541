import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from alservice.simulation.judge import judge
from alservice.simulation.protocol import JudgeSpec
from tests.simulation.sets import clouds


@pytest.mark.parametrize("classes", [2, 3])
def test_the_logistic_head_has_the_probabilities_of_scikit_learn(classes: int) -> None:
    data = clouds(90, classes)
    verdict = judge(JudgeSpec(C=2.0), data.vectors, data.classes, classes)
    model = LogisticRegression(C=2.0, max_iter=1000).fit(data.vectors, data.classes)
    head = verdict.head()
    assert head is not None
    made = head.probabilities(data.vectors.astype(np.float32))
    assert np.abs(made - model.predict_proba(data.vectors)).max() < 1e-5
    assert verdict.accuracy(data.vectors, data.classes) == model.score(data.vectors, data.classes)


def test_the_svm_head_has_the_decision_values_of_scikit_learn() -> None:
    data = clouds(80, 2)
    verdict = judge(JudgeSpec(kind="svm"), data.vectors, data.classes, 2)
    model = SVC(kernel="rbf", gamma="auto", C=1.0).fit(data.vectors, data.classes)
    head = verdict.head()
    assert head is not None
    logits = head.logits(data.vectors.astype(np.float32))
    gap = np.abs(logits[:, 1] - logits[:, 0] - model.decision_function(data.vectors)).max()
    assert gap < 1e-5
    assert verdict.accuracy(data.vectors, data.classes) == model.score(data.vectors, data.classes)


def test_more_classes_are_one_machine_each_against_the_rest() -> None:
    data = clouds(90, 3)
    verdict = judge(JudgeSpec(kind="svm"), data.vectors, data.classes, 3)
    head = verdict.head()
    assert head is not None
    said = head.logits(data.vectors.astype(np.float32)).argmax(axis=1)
    agreed = (said == data.classes).mean()
    assert verdict.accuracy(data.vectors, data.classes) == pytest.approx(agreed, abs=0.02)
    assert agreed > 0.7


@pytest.mark.parametrize("kind", ["logistic", "svm"])
def test_a_class_without_labels_has_no_probability(kind: str) -> None:
    data = clouds(60, 2)
    head = judge(JudgeSpec(kind=kind), data.vectors, data.classes * 2, 4).head()
    assert head is not None
    made = head.probabilities(data.vectors.astype(np.float32))
    assert np.all(made[:, [1, 3]] == 0)
    assert np.allclose(made.sum(axis=1), 1, atol=1e-5)


def test_labels_of_one_class_make_a_constant_without_a_head() -> None:
    data = clouds(30, 3)
    verdict = judge(JudgeSpec(), data.vectors[:4], np.full(4, 2), 3)
    assert verdict.head() is None
    assert verdict.accuracy(data.vectors, data.classes) == pytest.approx(1 / 3)


def test_an_unknown_judge_is_refused() -> None:
    data = clouds(30, 3)
    with pytest.raises(ValueError, match="no judge 'oracle'"):
        judge(JudgeSpec(kind="oracle"), data.vectors, data.classes, 3)
