"""StrategyService over a real connection."""

from dataclasses import replace

import grpc

from alservice import strategies
from alservice.api.v1 import strategy_service_pb2 as pb
from alservice.api.v1 import strategy_service_pb2_grpc as pb_grpc
from alservice.domain.strategy import Need, Parameter
from alservice.rpc.strategy_messages import NEEDS, render_strategy


def test_every_strategy_is_listed_by_name_with_what_it_needs(channel: grpc.Channel) -> None:
    stub = pb_grpc.StrategyServiceStub(channel)
    found = {s.strategy: s for s in stub.ListStrategies(pb.ListStrategiesRequest()).strategies}
    assert list(found) == sorted(strategies.discover())
    assert list(found["margin"].needs) == [pb.STRATEGY_NEED_MODEL, pb.STRATEGY_NEED_VECTORS]
    assert list(found["k_center"].needs) == [pb.STRATEGY_NEED_VECTORS]
    assert list(found["random"].needs) == []
    assert all(s.version >= 1 and s.summary and s.reference for s in found.values())


def test_all_that_a_strategy_can_need_has_a_word_in_the_api() -> None:
    assert set(NEEDS) == set(Need)


def test_a_parameter_is_shown_with_its_range() -> None:
    knob = Parameter(name="beta", description="Sharpness.", default=1, minimum=0, maximum=10)
    message = render_strategy(replace(strategies.discover()["random"], parameters=(knob,)))
    assert message.parameters[0] == pb.StrategyParameter(
        parameter="beta", description="Sharpness.", default_value=1, minimum=0, maximum=10
    )
