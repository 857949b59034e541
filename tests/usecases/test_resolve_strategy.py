"""Names and parameters of strategies are checked against what there is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice import strategies
from alservice.domain import errors
from alservice.domain.strategy import Parameter
from alservice.usecases.resolve_strategy import resolve_parameters, resolve_strategy

KNOWN = strategies.discover()
BETA = Parameter(name="beta", description="", default=1.0, minimum=0.5, maximum=2.0)
GAMMA = Parameter(name="gamma", description="", default=0.0, minimum=-1.0, maximum=1.0)
WITH_PARAMETERS = replace(KNOWN["random"], parameters=(BETA, GAMMA))


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_strategy_is_found_by_its_name(name: str) -> None:
    assert resolve_strategy(KNOWN, name).name == name


def test_an_unknown_name_is_refused_with_the_closest_and_with_all_there_are() -> None:
    with pytest.raises(errors.StrategyUnknown, match="entropy, k_center") as caught:
        resolve_strategy(KNOWN, "entropi")
    assert caught.value.metadata["did_you_mean"] == "entropy"


@given(beta=st.floats(allow_nan=True), given_beta=st.booleans())
def test_parameters_are_filled_in_and_kept_within_their_range(
    beta: float,
    given_beta: bool,  # noqa: FBT001
) -> None:
    asked = {"beta": beta} if given_beta else {}
    if given_beta and not 0.5 <= beta <= 2.0:
        with pytest.raises(errors.ParameterOutOfRange) as caught:
            resolve_parameters(WITH_PARAMETERS, asked)
        assert caught.value.metadata["parameter"] == "beta"
    else:
        expected = {"beta": asked.get("beta", 1.0), "gamma": 0.0}
        assert resolve_parameters(WITH_PARAMETERS, asked) == expected


def test_an_unknown_parameter_is_refused_with_what_was_meant() -> None:
    with pytest.raises(errors.ParameterUnknown, match="beta, gamma") as caught:
        resolve_parameters(WITH_PARAMETERS, {"bta": 1.0})
    assert caught.value.metadata["did_you_mean"] == "beta"
    with pytest.raises(errors.ParameterUnknown, match="none"):
        resolve_parameters(KNOWN["random"], {"beta": 1.0})
