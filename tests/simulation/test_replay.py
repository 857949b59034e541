import csv
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from alservice.simulation.competitor import Competitor, CompetitorFailed
from alservice.simulation.curve import rebench_area
from alservice.simulation.dataset import Dataset, Split, Variant, harder
from alservice.simulation.game import Options, Source
from alservice.simulation.protocol import PROTOCOLS, Protocol, prepare, schedule
from alservice.simulation.reading import read_dataset
from alservice.simulation.replay import ONE_CLASS, Labels, Stopped, replay
from alservice.simulation.scratch import Scratch
from tests.simulation.sets import clouds, game, public, save

FOREIGN = """
import numpy as np
def lowest(X, labelled, y_labelled, batch_size, model_proba, rng):
    return np.setdiff1d(np.arange(len(X)), labelled)[:batch_size]
def greedy(*_):
    return [0, 0]
"""


@pytest.fixture
def data() -> Dataset:
    return clouds()


@pytest.fixture
def source(data: Dataset, tmp_path: Path) -> Source:
    (tmp_path / "mine.py").write_text(FOREIGN)
    return save(data, tmp_path)


@pytest.mark.parametrize("name", ["appendicitis", "ex8b", "sonar"])
@pytest.mark.parametrize("seed", [0, 1, 5])
def test_margin_under_protocol_a_has_the_published_area_of_each_seed(
    scratch: Scratch, name: str, seed: int
) -> None:
    path = public(f"tabular/zhan_{name}.npz")
    with gzip.open(public("published/rebench_margin_perseed.csv.gz"), "rt") as file:
        (known,) = [
            float(line["aubc"])
            for line in csv.DictReader(file)
            if (line["dataset"], line["query_model"], line["task_model"], line["seed"])
            == (name, "RBFSVM", "RBFSVM", str(seed))
        ]
    found = read_dataset(path)
    here = Source(path=path, label_column=None, name=found.name, digest=found.digest())
    outcome = replay(scratch, found, game(here, "margin", seed, PROTOCOLS["A"]))
    counts, curve = np.array(outcome.label_counts), np.array(outcome.accuracies)
    assert rebench_area(counts, curve) == pytest.approx(known, abs=1.05e-5)


def test_the_curve_is_that_of_the_judge_on_the_chosen_ids(
    scratch: Scratch, data: Dataset, source: Source
) -> None:
    outcome = replay(scratch, data, game(source, "margin"))
    split = prepare(data, Protocol(), 0)
    assert outcome.label_counts == [6, 12, 18, 24]
    assert len(set(outcome.picks)) == 24
    for count, accuracy in zip(outcome.label_counts, outcome.accuracies, strict=True):
        rows = np.array(outcome.picks[:count])
        assert np.isin(rows, split.rows).all()
        model = LogisticRegression(max_iter=1000).fit(data.vectors[rows], data.classes[rows])
        assert accuracy == model.score(split.test, split.truth)


def test_the_svm_s_curve_begins_with_what_everybody_was_given(
    scratch: Scratch, data: Dataset, source: Source
) -> None:
    protocol = Protocol(split="rebench", drawn=20, batch=5, rounds=2, judge=PROTOCOLS["A"].judge)
    outcome = replay(scratch, data, game(source, "random", 3, protocol))
    split = prepare(data, protocol, 3)
    assert outcome.drawn == split.rows[:20].tolist()
    rows = np.array([*outcome.drawn, *outcome.picks])
    assert outcome.label_counts == [25, 30]
    machine = np.stack(
        [
            SVC(gamma="auto")
            .fit(data.vectors[rows], data.classes[rows] == n)
            .decision_function(split.test)
            for n in range(3)
        ]
    )
    assert outcome.accuracies[-1] == pytest.approx(
        (machine.argmax(axis=0) == split.truth).mean(), abs=0.05
    )


def test_a_seed_plays_the_same_game_again_and_another_one_another(
    scratch: Scratch, data: Dataset, source: Source
) -> None:
    first, again = (replay(scratch, data, game(source, "margin", 4)) for _ in range(2))
    assert first.picks == again.picks and first.accuracies == again.accuracies
    assert replay(scratch, data, game(source, "margin", 5)).picks != first.picks


def test_without_a_model_margin_begins_as_random_does(
    scratch: Scratch, data: Dataset, source: Source
) -> None:
    picks = [replay(scratch, data, game(source, who)).picks[:6] for who in ("margin", "random")]
    assert picks[0] == picks[1]


def test_a_foreign_strategy_chooses_by_itself(
    scratch: Scratch, data: Dataset, source: Source
) -> None:
    place = f"{source.path.parent}/mine.py"
    outcome = replay(scratch, data, game(source, f"{place}:lowest"))
    assert outcome.picks == prepare(data, Protocol(), 0).rows[:24].tolist()
    with pytest.raises(CompetitorFailed, match="2 rows instead of 6"):
        replay(scratch, data, game(source, f"{place}:greedy"))


def test_the_service_s_own_model_is_measured_and_may_choose(
    scratch: Scratch, data: Dataset, source: Source
) -> None:
    short = Protocol(batch=20, rounds=2)
    options = Options(model="service")
    outcome = replay(scratch, data, game(source, "margin", 0, short, options))
    assert len(outcome.own) == 2
    assert outcome.own[-1] > 0.5


def test_what_the_audit_asks_for_is_marked_and_costs_labels(
    scratch: Scratch, data: Dataset, source: Source
) -> None:
    vectors = clouds(200).vectors
    project = scratch.begin(vectors, 3, learner="logistic", salt=1, audit=True)
    asked = project.query(50, Competitor.parse("random"), 1)
    assert 0 < asked.audit.sum() < 50 == len(asked.rows)
    state = Labels()
    state.take(asked)
    assert len(state.labelled) == 50
    assert state.training == asked.rows[~asked.audit].tolist()
    options = Options(audit=True)
    protocol = Protocol(batch=10, rounds=2)
    outcome = replay(scratch, data, game(source, "margin", 0, protocol, options))
    assert outcome.label_counts == [10, 20]


def test_start_labels_of_one_class_skip_the_seed(scratch: Scratch, source: Source) -> None:
    data = clouds(60, 3)
    ordered = Dataset("ordered", data.vectors, np.repeat([0, 1, 2], 20), data.class_names)
    protocol = Protocol(split="given", drawn=2, batch=2, rounds=1)
    ordered = Dataset(
        "ordered", ordered.vectors, ordered.classes, ordered.class_names, np.arange(60) >= 50
    )
    outcome = replay(scratch, ordered, game(source, "random", 0, protocol))
    assert outcome.skipped == ONE_CLASS and not outcome.picks


def test_it_stops_when_it_is_asked_to(scratch: Scratch, data: Dataset, source: Source) -> None:
    with pytest.raises(Stopped):
        replay(scratch, data, game(source, "random"), lambda: True)


def test_a_pool_that_is_smaller_than_the_budget_is_asked_to_the_end() -> None:
    assert schedule(Protocol(batch=7, rounds=9), 20, 2).sizes == (7, 7, 6)
    assert schedule(Protocol(batch=5, start=2, budget=12), 100, 2).sizes == (2, 5, 5)
    assert len(schedule(PROTOCOLS["A"], 63, 2).sizes) == 43
    assert sum(schedule(PROTOCOLS["C"], 1000, 6).sizes) == 25 * 12


def _split() -> Split:
    data = clouds(300, 3)
    return prepare(data, Protocol(), 0)


def test_wrong_answers_are_of_another_class_and_the_test_part_is_left_alone() -> None:
    split = _split()
    made = harder(split, Variant(flip=0.2), 1)
    wrong = made.answers != split.answers
    assert 0.1 < wrong.mean() < 0.3
    assert made.answers.max() < 3 and np.array_equal(made.truth, split.truth)


def test_duplicates_are_exact_copies_of_so_many_rows() -> None:
    split = _split()
    made = harder(split, Variant(duplicate=0.3), 1)
    assert len(made.pool) == len(split.pool) + round(0.3 * len(split.pool))
    assert set(map(bytes, made.pool)) == set(map(bytes, split.pool))


def test_zipf_leaves_the_r_th_class_one_r_th() -> None:
    split = _split()
    sizes = sorted(np.bincount(harder(split, Variant(zipf=True), 1).answers), reverse=True)
    assert sizes == [70, 35, 23]


def test_npz_csv_and_parquet_of_the_same_data_give_the_same_games(
    scratch: Scratch, data: Dataset, tmp_path: Path
) -> None:
    vectors = data.vectors.astype(np.float32)
    kinds = np.array(data.class_names)[data.classes]
    np.savez(tmp_path / "npz.npz", X=vectors, y=kinds)
    with (tmp_path / "csv.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["x", "y", "label"])
        lines.writerows(
            [*map(repr, row.tolist()), kind] for row, kind in zip(vectors, kinds, strict=True)
        )
    columns = {"x": vectors[:, 0], "y": vectors[:, 1], "label": kinds.tolist()}
    parquet.write_table(pa.table(columns), tmp_path / "parquet.parquet", row_group_size=50)
    outcomes = []
    for path in sorted(tmp_path.iterdir()):
        read = read_dataset(path)
        source = Source(path=path, label_column=None, name=read.name, digest=read.digest())
        outcome = replay(scratch, read, game(source, "margin"))
        outcomes.append((read.digest(), outcome.picks, outcome.accuracies, outcome.label_counts))
    assert len(outcomes) == 3
    assert outcomes[0] == outcomes[1] == outcomes[2]
