"""The ensemble is data: known members of both kinds, and the last word to uncertainty herding."""

from alservice.domain.strategy import Ensemble, Need
from tests.strategies.pools import KNOWN


def test_some_members_need_no_model_and_one_of_them_covers() -> None:
    ensemble = KNOWN["auto_ensemble"]
    assert isinstance(ensemble, Ensemble)
    free = [name for name in ensemble.members if Need.MODEL not in KNOWN[name].needs]
    assert {"random", "typiclust"} <= set(free) and len(free) < len(ensemble.members)
    assert ensemble.final == "uncertainty_herding"


def test_each_member_has_as_many_subsets_as_the_others() -> None:
    ensemble = KNOWN["auto_ensemble"]
    assert isinstance(ensemble, Ensemble)
    assert ensemble.subsets % len(ensemble.members) == 0
