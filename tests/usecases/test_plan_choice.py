"""Names become a plan: parts are put together, schedules followed, what is missing is said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice import strategies
from alservice.domain import errors
from alservice.domain.strategy import Schedule, Scoring, Selecting, Situation, Step
from alservice.usecases.plan_choice import Asked, plan_choice

KNOWN = strategies.discover()
READY = Situation(
    labels=100,
    classes=3,
    seen_classes=3,
    batch_size=10,
    has_model=True,
)
SCORING = sorted(name for name, s in KNOWN.items() if isinstance(s, Scoring))
DIVERSIFYING = sorted(n for n, s in KNOWN.items() if isinstance(s, Selecting) and s.diversifies)


def asked(strategy: str, diversify: str = "") -> Asked:
    return Asked(strategy=KNOWN[strategy], diversify=diversify)


@given(strategy=st.sampled_from(SCORING), diversify=st.sampled_from(["", *DIVERSIFYING]))
def test_any_scoring_strategy_goes_with_any_diversifier(strategy: str, diversify: str) -> None:
    plan = plan_choice(KNOWN, asked(strategy, diversify), READY)
    assert plan.chooser.name == (diversify or strategy)
    assert not diversify or (plan.scores is not None and plan.scores.name == strategy)
    assert plan.uses_model and not plan.notes
    assert "cost_exponent" in plan.parameters


@pytest.mark.parametrize("strategy", sorted(set(KNOWN) - set(SCORING)))
def test_what_chooses_batches_is_not_diversified(strategy: str) -> None:
    with pytest.raises(errors.InvalidField, match="diversify"):
        plan_choice(KNOWN, asked(strategy, DIVERSIFYING[0]), READY)


@pytest.mark.parametrize("name", ["random", "k_center", "margin"])
def test_what_has_no_use_for_scores_diversifies_none(name: str) -> None:
    with pytest.raises(errors.InvalidField, match=DIVERSIFYING[0]):
        plan_choice(KNOWN, asked("margin", name), READY)


def test_the_name_tells_the_parts_in_their_order() -> None:
    own = plan_choice(KNOWN, asked("weighted_k_means"), READY)
    other = plan_choice(KNOWN, asked("entropy", "weighted_k_means"), READY)
    assert own.name == "weighted_k_means"
    assert other.name == "entropy+weighted_k_means"


@pytest.mark.parametrize("name", ["margin", "weighted_k_means"])
def test_without_a_model_the_cold_start_takes_over_and_says_so(name: str) -> None:
    plan = plan_choice(KNOWN, asked(name), replace(READY, has_model=False))
    assert plan.chooser.name == "random" and not plan.uses_model
    assert name in plan.notes[0] and "usable model" in plan.notes[0]


@given(labels=st.integers(0, 10_000))
def test_a_schedule_gives_the_turn_to_its_first_step_that_holds(labels: int) -> None:
    schedule = Schedule(
        name="two",
        version=1,
        summary="",
        reference="",
        steps=(
            Step(strategy="k_center", holds=lambda now: now.labels < 50, because="few"),
            Step(
                strategy="margin",
                diversify="weighted_k_means",
                holds=lambda _: True,
                because="many",
                parameters={"cost_exponent": 1.0},
            ),
        ),
    )
    plan = plan_choice(KNOWN, Asked(strategy=schedule), replace(READY, labels=labels))
    expected = ("k_center", "few") if labels < 50 else ("weighted_k_means", "many")
    assert (plan.chooser.name, plan.because) == expected
    assert plan.parameters.get("cost_exponent", 0.0) == (0.0 if labels < 50 else 1.0)


@pytest.mark.parametrize("name", [n for n, s in KNOWN.items() if isinstance(s, Schedule)])
@given(
    labels=st.integers(0, 100_000),
    classes=st.integers(0, 1_000),
    batch_size=st.integers(1, 10_000),
    has_model=st.booleans(),
)
def test_every_schedule_has_an_answer_to_every_situation(
    name: str, labels: int, classes: int, batch_size: int, *, has_model: bool
) -> None:
    now = Situation(
        labels=labels,
        classes=classes,
        seen_classes=min(labels, classes),
        batch_size=batch_size,
        has_model=has_model and labels > 1,
    )
    plan = plan_choice(KNOWN, asked(name), now)
    assert plan.because and not plan.notes


def test_a_parameter_of_either_part_is_taken_and_others_are_not() -> None:
    parameter = KNOWN["weighted_k_means"].parameters[0].name
    given_it = {parameter: 2.0}
    plan = plan_choice(
        KNOWN, replace(asked("margin", "weighted_k_means"), parameters=given_it), READY
    )
    assert plan.parameters[parameter] == 2.0
    with pytest.raises(errors.ParameterUnknown):
        plan_choice(KNOWN, replace(asked("margin"), parameters=given_it), READY)
