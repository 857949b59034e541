import numpy as np
import pytest

from alservice.simulation.curve import (
    data_utilisation,
    labels_to,
    mean_area,
    rebench_area,
    saving,
    trapezoid_area,
)

COUNTS = np.array([10, 20, 40])
CURVE = np.array([0.5, 0.7, 0.9])


def test_the_area_of_the_re_benchmark_divides_two_trapezoids_by_three_queries() -> None:
    assert rebench_area(COUNTS, CURVE) == pytest.approx((0.6 + 0.8) / 3)


def test_the_mean_area_is_the_mean_over_batches() -> None:
    assert mean_area(COUNTS, CURVE) == pytest.approx(0.7)


def test_the_trapezoid_area_weighs_by_labels_and_is_normalised() -> None:
    assert trapezoid_area(COUNTS, CURVE) == pytest.approx((10 * 0.6 + 20 * 0.8) / 30)
    assert trapezoid_area(COUNTS[:1], CURVE[:1]) == 0.5


def test_a_saving_is_what_was_left_of_the_budget_at_the_reference_s_final_accuracy() -> None:
    reference = np.array([0.4, 0.6, 0.7])
    assert labels_to(0.7, COUNTS, CURVE) == 20
    assert saving(COUNTS, CURVE, reference) == pytest.approx(0.5)
    assert data_utilisation(COUNTS, CURVE, reference) == pytest.approx(20 / 40)


def test_who_never_reaches_the_reference_saves_nothing_that_has_a_number() -> None:
    assert saving(COUNTS, CURVE, CURVE + 0.05) is None
    assert data_utilisation(COUNTS, CURVE, CURVE + 0.05) is None


def test_the_reference_needs_as_many_labels_as_it_needs_for_its_final_accuracy() -> None:
    early = np.array([0.5, 0.9, 0.9])
    assert data_utilisation(COUNTS, CURVE, early) == pytest.approx(40 / 20)
