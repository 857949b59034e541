"""What there is to choose by."""

from alservice import strategies
from alservice.domain.strategy_version import effective_version
from alservice.usecases.list_strategies import ListStrategies, ListStrategiesCommand
from tests.usecases.conftest import CallFactory


def test_all_strategies_are_listed_by_name(call: CallFactory) -> None:
    shuffled = dict(sorted(strategies.discover().items(), key=lambda s: s[0][::-1]))
    found = ListStrategies(shuffled)(call(), ListStrategiesCommand())
    assert [s.name for s in found] == sorted(shuffled)
    assert len(found) >= 5
    told = {s.name: s.version for s in found}
    assert told == {name: effective_version(shuffled, s) for name, s in shuffled.items()}
