"""The files of deploy/ name what there is: settings, metrics, services, options."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from alservice.cli.app import build
from alservice.config import NOT_OURS, PARSERS, PREFIX, Settings, resolve
from alservice.telemetry.metrics import Metrics
from tests.deploy.balancing import DEPLOY, ROOT
from tests.deploy.programs import checked

FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
CHART = DEPLOY / "helm" / "alservice"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = (DEPLOY / "grafana" / "dashboard.json").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SETTING = re.compile(rf"\b{PREFIX}([A-Z_]+)")
METRIC = re.compile(r"\balservice_[a-z_]+")
DERIVED = ("_bucket", "_sum", "_count", "_created")
KNOWN_SETTINGS = {*PARSERS, *(name.removeprefix(PREFIX).lower() for name in NOT_OURS)}


def shown_metrics() -> set[str]:
    """The families that a server shows."""
    lines = Metrics().text().decode().splitlines()
    families = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    return {name for name in families if not name.endswith("_created")}


def family(name: str) -> str:
    """What a sample belongs to."""
    ends = [end for end in DERIVED if name.endswith(end)]
    return name.removesuffix(ends[0]) if ends else name


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 12 and len(RULES) > 5
    assert len(shown_metrics()) > 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_setting_that_a_file_names_is_known(path: Path) -> None:
    named = {name.lower() for name in SETTING.findall(path.read_text())}
    assert named <= KNOWN_SETTINGS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_file_can_be_read(path: Path) -> None:
    if path.suffix == ".json":
        assert json.loads(path.read_text())
    elif path.suffix == ".toml":
        assert tomllib.loads(path.read_text())
    elif path.suffix == ".yaml" and "templates" not in path.parts:
        assert yaml.safe_load(path.read_text())
    else:
        assert path.read_text()


def test_the_example_of_settings_names_each_once_and_is_understood(tmp_path: Path) -> None:
    text = (DEPLOY / "alservice.toml").read_text()
    assert resolve({}, {}, DEPLOY / "alservice.toml").data == Path("/var/lib/alservice")
    (tmp_path / "all.toml").write_text(re.sub(r"^#(?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    assert set(tomllib.loads((tmp_path / "all.toml").read_text())) == set(PARSERS)
    assert resolve({}, {}, tmp_path / "all.toml").grace_s == Settings().grace_s


@pytest.mark.parametrize("text", [DASHBOARD, json.dumps(RULES)], ids=["dashboard", "rules"])
def test_every_metric_that_is_shown_or_watched_exists(text: str) -> None:
    named = {family(name) for name in METRIC.findall(text)}
    assert named and named <= shown_metrics()


def test_the_docs_explain_every_metric_and_no_other() -> None:
    table = [line.split("|")[1] for line in OPERATIONS.splitlines() if line.startswith("| `alser")]
    named = {family(name) for cell in table for name in METRIC.findall(cell)}
    assert named == shown_metrics()


def test_the_docs_say_what_to_do_about_every_alert_and_no_other() -> None:
    headings = re.findall(r"^### (Alservice\w+)$", OPERATIONS, flags=re.MULTILINE)
    assert headings == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_the_dashboard_has_panels_beside_each_other() -> None:
    panels = json.loads(DASHBOARD)["panels"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken)) and max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_compose_starts_what_nginx_expects() -> None:
    services = COMPOSE["services"]
    upstream = (DEPLOY / "nginx" / "upstream.inc").read_text()
    replicas = set(re.findall(r"server (\S+):50051", upstream))
    roles = {
        name: one.get("environment", {}).get("ALSERVICE_ROLE") for name, one in services.items()
    }
    assert replicas == {name for name, role in roles.items() if role == "api"}
    assert "worker" in roles.values()
    for one in services.values():
        assert set(one.get("depends_on", ())) <= set(services)
        named = {volume.partition(":")[0] for volume in one.get("volumes", ())}
        assert {name for name in named if not name.startswith(".")} <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", ["replica-1", "replica-2", "worker"])
def test_compose_lets_running_calls_end(name: str) -> None:
    one = COMPOSE["services"][name]
    grace = float(one["environment"]["ALSERVICE_GRACE_S"])
    assert float(one["stop_grace_period"].removesuffix("s")) > grace
    parsed = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in one["environment"].items()
        if key.startswith(PREFIX)
    }
    for key, value in parsed.items():
        PARSERS[key](re.sub(r"\$\{.*?\}", "secret", value))


def test_the_image_is_made_of_what_there_is_and_runs_as_nobody_special() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    sources = [
        part for line in lines if re.match(r"COPY (?!--from)", line) for part in line.split()[1:-1]
    ]
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert sources and [name for name in sources if not (ROOT / name).exists()] == []
    assert [name for name in sources if f"!{name}" not in allowed] == []
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    (health,) = [line for line in lines if line.startswith("HEALTHCHECK")]
    program, command, *options = json.loads(health[health.index("[") :])
    assert (program, command) == ("alservice", "healthcheck")
    known = {option for parameter in parameters(command) for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known
    # The port that never has TLS, where the image itself puts it.
    port = re.search(r"ALSERVICE_HTTP=0\.0\.0\.0:(\d+)", " ".join(lines))
    assert port and options == ["--http", f"127.0.0.1:{port[1]}"]


def parameters(command: str) -> list[Any]:
    """What a command of ours takes."""
    group: Any = typer.main.get_command(build())
    return list(group.commands[command].params)


def test_the_unit_of_systemd_waits_for_running_calls() -> None:
    text = (DEPLOY / "alservice.service").read_text()
    grace = re.search(r"ALSERVICE_GRACE_S=(\d+)", text)
    stop = re.search(r"TimeoutStopSec=(\d+)", text)
    assert grace and stop and int(stop[1]) > int(grace[1])


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "alservice.service").read_text()
    unit = tmp_path / "alservice.service"
    unit.write_text(text.replace("/opt/alservice/bin/alservice", "/bin/true"))
    checked("systemd-analyze", "verify", "--man=no", unit)


def test_prometheus_understands_the_rules() -> None:
    assert "SUCCESS" in checked("promtool", "check", "rules", DEPLOY / "prometheus/rules.yaml")


def test_hadolint_is_content_with_the_image() -> None:
    checked("hadolint", DEPLOY / "Dockerfile")


def test_every_value_of_the_chart_is_used_and_every_use_has_a_value() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    text = "".join(path.read_text() for path in (CHART / "templates").iterdir())
    used = {name.split(".")[0] for name in re.findall(r"\.Values\.([\w.]+)", text)}
    assert used == set(values) - {"worker"}  # `index $.Values $role` reads it
    for name in re.findall(r"\.Values\.([\w.]+)", text):
        found: Any = values
        for part in name.split("."):
            assert part in found, name
            found = found[part]
