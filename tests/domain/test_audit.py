"""The audit's share is counted over everything that was handed out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.audit import audit_count, audit_target
from alservice.domain.project import Policy

POLICIES = st.builds(
    Policy,
    reserve_share=st.sampled_from([0.1, 0.3]),
    audit_share=st.none() | st.floats(0, 0.5),
)


@given(policy=POLICIES, sizes=st.lists(st.integers(1, 200), max_size=40))
def test_batches_of_any_size_add_up_to_the_share_of_the_whole(
    policy: Policy, sizes: list[int]
) -> None:
    audit, handed_out = 0, 0
    for size in sizes:
        count = audit_count(policy, audit, handed_out, size)
        assert 0 <= count <= size
        audit, handed_out = audit + count, handed_out + size
        assert audit == audit_target(policy, handed_out)


@given(size=st.integers(1, 50), total=st.integers(1, 5_000))
def test_one_size_and_another_lead_to_the_same_number(size: int, total: int) -> None:
    policy, audit = Policy(), 0
    for at in range(0, total - total % size, size):
        audit += audit_count(policy, audit, at, size)
    assert audit == audit_target(policy, total - total % size)


@pytest.mark.parametrize(
    ("handed_out", "audit"), [(0, 0), (9, 0), (10, 1), (1_000, 100), (1_019, 100), (3_000, 200)]
)
def test_by_default_a_tenth_until_there_are_a_hundred_then_a_twentieth(
    handed_out: int, audit: int
) -> None:
    assert audit_target(Policy(), handed_out) == audit


@given(share=st.none() | st.floats(0, 0.5), handed_out=st.integers(0, 10_000))
def test_without_a_reserve_there_is_nothing_to_measure_on(
    share: float | None, handed_out: int
) -> None:
    assert audit_target(Policy(reserve_share=0.0, audit_share=share), handed_out) == 0


@given(audit=st.integers(0, 500), handed_out=st.integers(0, 1_000), size=st.integers(1, 100))
def test_what_was_missed_is_made_up_and_what_was_too_much_is_waited_for(
    audit: int, handed_out: int, size: int
) -> None:
    due = audit_target(Policy(), handed_out + size) - audit
    assert audit_count(Policy(), audit, handed_out, size) == min(max(due, 0), size)
