"""What the Helm chart makes, where `helm` is there to make it."""

from typing import Any

import pytest
import yaml

from alservice.config import PARSERS, PREFIX
from tests.deploy.programs import checked
from tests.deploy.test_files import CHART

ALL = (
    "tls.secretName=t,api.autoscaling.enabled=true,serviceMonitor.enabled=true,"
    "env.ALSERVICE_LOG_LEVEL=debug"
)


@pytest.fixture(params=["", ALL], ids=["plain", "all"])
def made(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The objects of a release, without and with everything that is optional."""
    return release(*filter(None, [request.param]))


def release(*settings: str) -> list[dict[str, Any]]:
    """The objects of a release that is called like the chart, as the docs call it."""
    given = ",".join(["objects=s3://bucket", *settings])
    text = checked(
        "helm", "template", "alservice", CHART, "--kube-version", "1.30.0", "--set", given
    )
    return list(filter(None, yaml.safe_load_all(text)))


def pods(made: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod templates of the deployments, by role."""
    templates = [one["spec"]["template"] for one in made if one["kind"] == "Deployment"]
    found = {one["metadata"]["labels"]["app.kubernetes.io/component"]: one for one in templates}
    assert set(found) == {"api", "worker"}
    return found


def test_helm_has_nothing_to_say_against_the_chart() -> None:
    checked("helm", "lint", "--strict", CHART, "--set", "objects=s3://bucket")


def test_what_selects_selects_something(made: list[dict[str, Any]]) -> None:
    labels = [pod["metadata"]["labels"] for pod in pods(made).values()]
    for one in made:
        wanted = one.get("spec", {}).get("selector", {})
        wanted = wanted.get("matchLabels", wanted)
        if one["kind"] in {"Service", "Deployment", "PodDisruptionBudget"}:
            assert wanted and any(wanted.items() <= each.items() for each in labels)


def test_workers_get_no_calls(made: list[dict[str, Any]]) -> None:
    calls = [
        one["spec"]["selector"]
        for one in made
        if one["kind"] == "Service" and one["spec"]["ports"][0]["name"] == "grpc"
    ]
    assert len(calls) == 2
    assert all(selector["app.kubernetes.io/component"] == "api" for selector in calls)


def test_each_role_is_told_and_its_settings_are_valid(made: list[dict[str, Any]]) -> None:
    for role, pod in pods(made).items():
        (container,) = pod["spec"]["containers"]
        env = {one["name"]: one["value"] for one in container["env"]}
        assert env["ALSERVICE_ROLE"] == role
        for name, value in env.items():
            PARSERS[name.removeprefix(PREFIX).lower()](value)


@pytest.mark.parametrize("given", [None, 300 << 30])
def test_the_volume_holds_the_cache_and_a_quarter_more(given: int | None) -> None:
    made = release(*([] if given is None else [f"cache.bytes={given}"]))
    for pod in pods(made).values():
        (container,) = pod["spec"]["containers"]
        env = {one["name"]: one["value"] for one in container["env"]}
        size = int(env["ALSERVICE_CACHE_BYTES"])
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert size == (given or 16 << 30)
        assert int(volumes["data"]["emptyDir"]["sizeLimit"]) == size * 5 // 4


def test_services_of_our_name_set_nothing(made: list[dict[str, Any]]) -> None:
    assert "alservice" in {one["metadata"]["name"] for one in made if one["kind"] == "Service"}
    assert all(pod["spec"]["enableServiceLinks"] is False for pod in pods(made).values())


def test_running_calls_may_end(made: list[dict[str, Any]]) -> None:
    for pod in pods(made).values():
        (container,) = pod["spec"]["containers"]
        env = {one["name"]: one["value"] for one in container["env"]}
        before = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
        whole = pod["spec"]["terminationGracePeriodSeconds"]
        assert whole > before + float(env["ALSERVICE_GRACE_S"])


def test_volumes_that_are_mounted_are_there(made: list[dict[str, Any]]) -> None:
    for pod in pods(made).values():
        (container,) = pod["spec"]["containers"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
