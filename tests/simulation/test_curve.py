import numpy as np
import pytest

from alservice.simulation.curve import (
    MeanCurve,
    data_utilisation,
    labels_to,
    mean_area,
    rebench_area,
    saving,
    trapezoid_area,
)

COUNTS = np.array([10, 20, 40])
CURVE = np.array([0.5, 0.7, 0.9])


def curve(*accuracies: float, error: float = 0.0) -> MeanCurve:
    return MeanCurve(
        COUNTS[: len(accuracies)], np.array(accuracies), np.full(len(accuracies), error)
    )


MINE = curve(*CURVE)


def test_the_area_of_the_re_benchmark_divides_two_trapezoids_by_three_queries() -> None:
    assert rebench_area(COUNTS, CURVE) == pytest.approx((0.6 + 0.8) / 3)


def test_the_mean_area_is_the_mean_over_batches() -> None:
    assert mean_area(COUNTS, CURVE) == pytest.approx(0.7)


def test_the_trapezoid_area_weighs_by_labels_and_is_normalised() -> None:
    assert trapezoid_area(COUNTS, CURVE) == pytest.approx((10 * 0.6 + 20 * 0.8) / 30)
    assert trapezoid_area(COUNTS[:1], CURVE[:1]) == 0.5


def test_a_saving_is_what_was_left_of_the_budget_at_the_reference_s_final_accuracy() -> None:
    reference = curve(0.4, 0.6, 0.7)
    assert labels_to(0.7, MINE) == 20
    assert saving(MINE, reference) == pytest.approx(0.5)
    assert data_utilisation(MINE, reference) == pytest.approx(20 / 40)


def test_who_never_reaches_the_reference_saves_nothing_that_has_a_number() -> None:
    better = curve(0.55, 0.75, 0.95)
    assert saving(MINE, better) is None
    assert data_utilisation(MINE, better) is None


def test_who_ends_below_the_reference_has_saved_nothing_on_the_way() -> None:
    reference = curve(0.4, 0.6, 0.7)
    assert saving(curve(0.75, 0.6, 0.6), reference) is None
    assert data_utilisation(curve(0.75, 0.6, 0.6), reference) is None
    assert saving(curve(0.75, 0.6, 0.6, error=0.09), reference) is None


def test_a_crossing_counts_from_where_it_is_kept() -> None:
    reference = curve(0.4, 0.6, 0.7)
    assert saving(curve(0.75, 0.6, 0.7), reference) == 0
    assert saving(curve(0.75, 0.6, 0.7, error=0.11), reference) == pytest.approx(0.75)
    assert saving(curve(0.75, 0.7, 0.65, error=0.06), reference) == pytest.approx(0.75)


def test_to_be_within_an_error_of_the_goal_is_not_to_have_reached_it() -> None:
    assert saving(curve(0.65, 0.65, 0.65, error=0.1), curve(0.4, 0.6, 0.7)) is None


def test_the_reference_needs_as_many_labels_as_it_needs_for_its_final_accuracy() -> None:
    assert data_utilisation(MINE, curve(0.5, 0.9, 0.9)) == pytest.approx(40 / 20)
    assert data_utilisation(MINE, curve(0.9, 0.5, 0.9)) == pytest.approx(40 / 40)
