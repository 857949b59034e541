"""Compares everything that clients were told, and when, with what the replicas say at the end."""

from collections.abc import Sequence

from tests.chaos import call_laws, lease_laws, order_laws
from tests.chaos.call import Call, history_of
from tests.e2e import checker
from tests.e2e.found import Found


def complaints(calls: Sequence[Call], founds: Sequence[Found]) -> list[str]:
    """Everything that is wrong, in words; `founds` are what each replica tells."""
    found = founds[0]
    return [
        *checker.complaints(history_of(calls), found),
        *call_laws.in_time(calls),
        *call_laws.refusals(calls),
        *call_laws.repetitions(calls),
        *call_laws.endings(calls, found),
        *call_laws.agreement(founds),
        *lease_laws.one_holder(calls, found),
        *lease_laws.only_open_items(calls, found),
        *order_laws.never_back(calls),
        *order_laws.each_its_own(calls),
    ]
