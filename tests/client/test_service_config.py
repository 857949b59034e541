"""What is published for other clients is what ours does, and it covers the whole API."""

import json
from pathlib import Path

from alservice.client.service_config import SERVICE_CONFIG, SERVICES
from alservice.rpc.services import SERVICES as SERVED

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIG = json.loads(SERVICE_CONFIG)


def test_the_published_file_is_what_our_client_uses() -> None:
    assert json.loads((DEPLOY / "service_config.json").read_text()) == CONFIG


def test_every_service_is_retried() -> None:
    served = {
        service.full_name for file, *_ in SERVED for service in file.services_by_name.values()
    }
    assert set(SERVICES) == served


def test_streams_of_requests_and_what_has_no_request_id_are_left_alone() -> None:
    streams = {
        (service.full_name, method.name)
        for file, *_ in SERVED
        for service in file.services_by_name.values()
        for method in service.methods
        if method.client_streaming
    }
    alone = {
        (name["service"], name.get("method"))
        for entry in CONFIG["methodConfig"]
        if "retryPolicy" not in entry
        for name in entry["name"]
    }
    assert streams and streams <= alone
    # It has no request_id, so a second attempt would not find what the first has deleted.
    assert alone - streams == {("google.longrunning.Operations", "DeleteOperation")}


def test_retries_end_and_are_throttled() -> None:
    (policy,) = [e["retryPolicy"] for e in CONFIG["methodConfig"] if "retryPolicy" in e]
    assert policy["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert 1 < policy["maxAttempts"] <= 5  # gRPC takes more than five for five
    assert CONFIG["retryThrottling"]["maxTokens"] > 0
