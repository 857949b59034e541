import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alservice.simulation.__main__ import MOST_POINTS
from alservice.simulation.export import as_json
from alservice.simulation.game import Outcome
from alservice.simulation.page import page
from alservice.simulation.paired import holm, paired
from alservice.simulation.statistics import summarise
from alservice.simulation.table import show, tables
from alservice.simulation.words import row_words, telling


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.001]) == pytest.approx([0.9, 0.002])
    assert holm([]) == []
    assert holm([None, 0.02, None, 0.01]) == [None, 0.02, None, 0.02]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_raw_value_and_bonferroni_s_and_keeps_the_order(
    values: list[float],
) -> None:
    corrected = holm(values)
    for raw, made in zip(values, corrected, strict=True):
        assert made is not None
        assert raw <= made <= 1
        assert made <= max(min(1.0, len(values) * v) for v in values if v <= raw)
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(corrected, float)[order]) >= 0)


def test_a_paired_test_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t = 3.4641 on 2 degrees.
    test = paired(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert test.difference == pytest.approx(2)
    assert test.error == pytest.approx(3**-0.5)
    assert test.t_p == pytest.approx(0.0741799, abs=1e-6)
    assert test.wilcoxon_p == pytest.approx(0.25)


def test_equal_curves_differ_in_nothing() -> None:
    same = np.array([0.5, 0.6])
    assert paired(same, same).t_p == paired(same, same).wilcoxon_p == 1.0


def outcome(where: str, who: str, seed: int, *curve: float) -> Outcome:
    counts = [10 * n for n in range(1, len(curve) + 1)]
    return Outcome(
        key=f"{where}{who}{seed}",
        set_name=where,
        competitor=who,
        seed=seed,
        label_counts=counts,
        accuracies=list(curve),
    )


OUTCOMES = [
    outcome("x", "random", 0, 0.5, 0.6),
    outcome("x", "random", 1, 0.4, 0.6),
    outcome("x", "clever", 0, 0.6, 0.8),
    outcome("x", "clever", 1, 0.4, 0.6),
    outcome("y", "random", 0, 0.9, 0.9),
    outcome("y", "clever", 0, 0.8, 0.8),
    Outcome(key="s", set_name="y", competitor="clever", seed=1, skipped="one class"),
]


def test_a_summary_pairs_by_seed_and_counts_ties_as_half() -> None:
    summary = summarise(OUTCOMES, "mean", "random")
    rows = {(row.set_name, row.competitor): row for row in summary.rows}
    assert rows["x", "clever"].difference == pytest.approx(0.075)
    assert rows["x", "clever"].saving == 0
    assert rows["x", "random"].difference is None
    assert summary.skipped == 1
    assert summary.competitors == ("random", "clever")
    # clever wins x/0, ties x/1, loses y/0.
    assert summary.wins[1][0] == pytest.approx(0.5)
    assert summary.wins[0][1] == pytest.approx(0.5)
    assert summary.wins[0][0] is None
    assert {each.competitor: each.mean_rank for each in summary.overall} == {
        "random": 1.5,
        "clever": 1.5,
    }
    assert summary.overall[0].sets == 2


def test_ranks_count_only_the_seeds_that_everybody_has_played() -> None:
    easy = outcome("x", "random", 7, 1.0, 1.0)
    (first, second) = summarise([*OUTCOMES[:4], easy], "mean", "random").overall
    assert (first.competitor, first.mean_rank) == ("clever", 1.0)
    assert (second.competitor, second.mean_rank) == ("random", 2.0)
    assert (
        summarise([*OUTCOMES[:2], outcome("x", "clever", 9, 1.0)], "mean", "random").overall == ()
    )


def test_a_column_that_says_nothing_is_left_out() -> None:
    assert telling(["a", "b", "c"], [["1", "–", "–"], ["2", "–", "3"]]) == (
        ["a", "c"],
        [["1", "–"], ["2", "3"]],
    )


def test_a_single_seed_has_neither_errors_nor_p_values() -> None:
    summary = summarise([each for each in OUTCOMES if each.set_name == "y"], "mean", "random")
    for row in summary.rows:
        told = (row.area_error, row.difference_error, row.t_p, row.wilcoxon_p)
        assert told == (None,) * 4 and row.t_holm is row.wilcoxon_holm is None
    clever = next(row for row in summary.rows if row.competitor == "clever")
    assert clever.difference == pytest.approx(-0.1)
    assert row_words(clever, "random")[1:5] == ["0.8000 ± –", "-0.1000 ± –", "–", "–"]
    told_json = json.loads(as_json(summary, "title"))
    assert told_json["rows"][0]["area_error"] is None
    assert told_json["curves"][0]["half_width"] is None
    assert ">1 seed, 20 labels<" in page(summary, "title")


def test_a_noisy_crossing_is_no_saving() -> None:
    games = [
        outcome("x", who, seed, *(point + 0.01 * seed for point in curve))
        for who, curve in (("random", (0.5, 0.6, 0.7)), ("lucky", (0.8, 0.5, 0.6)))
        for seed in range(3)
    ]
    rows = {row.competitor: row for row in summarise(games, "mean", "random").rows}
    assert rows["lucky"].saving is None and rows["lucky"].data_utilisation is None


def test_seeds_that_nobody_shares_compare_nothing() -> None:
    games = [outcome("x", "random", 0, 0.5, 0.6), outcome("x", "clever", 1, 0.5, 0.6)]
    assert all(row.difference is None for row in summarise(games, "mean", "random").rows)


def test_a_narrow_pipe_cuts_no_figure_off() -> None:
    names = ["a strategy with a name that is long", "another one with a name as long", "random"]
    games = [outcome("x", who, seed, 0.5, 0.6) for who in names for seed in (0, 1)]
    pipe = io.StringIO()
    show(tables(summarise(games, "mean", "random")), Console(file=pipe, width=30))
    assert "…" not in pipe.getvalue()
    assert pipe.getvalue().count("0.5500 ± 0.0000") == 3
    assert all(pipe.getvalue().count(name) >= 2 for name in names)


def test_thinned_curves_keep_their_ends_and_every_number_beside_them() -> None:
    accuracies = np.linspace(0, 1, 5000)
    long = [
        outcome("x", who, seed, *accuracies) for who in ("random", "clever") for seed in (0, 1)
    ]
    whole = summarise(long, "mean", "random")
    thin = whole.thinned(200)
    assert thin.rows == whole.rows and thin.wins == whole.wins
    curve = thin.curves["x", "clever"]
    assert len(curve.label_counts) == len(curve.mean) == len(curve.half_width) == 200
    assert (curve.label_counts[0], curve.label_counts[-1]) == (10, 50_000)
    assert np.allclose(curve.mean, accuracies[curve.label_counts // 10 - 1])
    assert whole.thinned(5000).curves["x", "clever"].mean.tolist() == accuracies.tolist()


def test_a_report_of_the_largest_simulation_fits_into_one_answer() -> None:
    names = [f"{n}" * 128 for n in range(8)]
    curve = np.random.default_rng(0).random(5000)
    games = [outcome("x" * 63, who, seed, *curve) for who in names for seed in range(2)]
    summary = summarise(games, "mean", names[0]).thinned(MOST_POINTS)
    assert len(as_json(summary, "title")) + len(page(summary, "title")) < 2**20


def test_without_its_reference_nothing_is_compared() -> None:
    summary = summarise(OUTCOMES, "mean", "nobody")
    assert all(row.difference is None and row.t_p is None for row in summary.rows)
