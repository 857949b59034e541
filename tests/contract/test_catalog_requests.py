"""Request records: what makes a retry safe."""

from dataclasses import replace

import pytest

from alservice.domain.errors import Conflict
from alservice.ports.catalog import Catalog
from alservice.ports.tables import RequestKey, RequestRecord
from tests.contract.catalog_rows import P

KEY = RequestKey(project_id=P, principal="ada", method="Train", request_id="r-1")


def record(expire_time_ms: int, result: str = "{}") -> RequestRecord:
    return RequestRecord(fingerprint="f", result_json=result, expire_time_ms=expire_time_ms)


def test_a_record_is_there_until_it_expires(catalog: Catalog) -> None:
    catalog.transact(lambda tx: tx.requests.put(KEY, record(10)))
    assert catalog.read(lambda tx: tx.requests.get(KEY, 9)) == record(10)
    assert catalog.read(lambda tx: tx.requests.get(KEY, 10)) is None


@pytest.mark.parametrize("field", ["project_id", "principal", "method", "request_id"])
def test_every_part_of_the_key_counts(catalog: Catalog, field: str) -> None:
    catalog.transact(lambda tx: tx.requests.put(KEY, record(10)))
    other = replace(KEY, **{field: ""})
    assert catalog.read(lambda tx: tx.requests.get(other, 0)) is None
    catalog.transact(lambda tx: tx.requests.put(other, record(10, "other")))
    assert catalog.read(lambda tx: tx.requests.get(KEY, 0)) == record(10)


def test_an_expired_record_is_replaced_and_a_valid_one_is_not(catalog: Catalog) -> None:
    later = catalog.now_ms() + 10**7
    catalog.transact(lambda tx: tx.requests.put(KEY, record(1, "old")))
    catalog.transact(lambda tx: tx.requests.put(KEY, record(later, "new")))
    with pytest.raises(Conflict):
        catalog.transact(lambda tx: tx.requests.put(KEY, record(later, "newer")))
    assert catalog.read(lambda tx: tx.requests.get(KEY, 0)) == record(later, "new")


def test_expired_records_are_pruned(catalog: Catalog) -> None:
    keys = [replace(KEY, request_id=f"r-{n}") for n in range(4)]
    for n, key in enumerate(keys):
        catalog.transact(lambda tx, n=n, key=key: tx.requests.put(key, record(n)))  # type: ignore[misc]
    assert catalog.transact(lambda tx: tx.requests.prune(1, 1)) == 1
    assert catalog.transact(lambda tx: tx.requests.prune(1, 9)) == 1
    found = [catalog.read(lambda tx, k=key: tx.requests.get(k, -1)) for key in keys]  # type: ignore[misc]
    assert found == [None, None, record(2), record(3)]
