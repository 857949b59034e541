"""Settings: who wins, what is refused, and that all errors come at once."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.config import PARSERS, Settings, available_threads, resolve
from alservice.domain.startup import StartupError

GOOD = {
    "data": st.sampled_from(["a", "b/c"]),
    "listen": st.sampled_from(["127.0.0.1:1", "[::1]:0"]),
    "threads": st.integers(1, 1024).map(str),
    "grace_s": st.integers(0, 3600).map(str),
    "log_level": st.sampled_from(["debug", "info", "warning", "error"]),
    "waiting": st.integers(0, 1000).map(str),
}
SOME = st.fixed_dictionaries({}, optional=GOOD)


def shown(settings: Settings) -> dict[str, str]:
    """The settings of GOOD as text."""
    values = {name: getattr(settings, name) for name in GOOD}
    values["grace_s"] = int(values["grace_s"])
    return {name: str(value) for name, value in values.items()}


@given(SOME, SOME, SOME)
def test_flags_win_over_the_environment_and_that_over_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    flags: dict[str, object],
    environ: dict[str, str],
    file: dict[str, str],
) -> None:
    path = tmp_path_factory.mktemp("config") / "alservice.toml"
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in file.items()))
    variables = {f"ALSERVICE_{name.upper()}": value for name, value in environ.items()}
    settings = resolve(flags, variables, path)
    assert shown(settings) == {**shown(resolve({}, {})), **file, **environ, **flags}


def test_nothing_needs_to_be_said() -> None:
    settings = resolve({"threads": None, "insecure": None}, {"PATH": "/bin"})
    assert settings == Settings(threads=available_threads(), log_format=settings.log_format)
    assert settings.listen == "127.0.0.1:50051"


def test_a_person_who_reads_the_log_is_not_given_json(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    try:
        for stream, form in ((os.fdopen(theirs, "w"), "console"), (io.StringIO(), "json")):
            with stream, monkeypatch.context() as swapped:
                swapped.setattr(sys, "stderr", stream)
                assert resolve({}, {}).log_format == form
                assert resolve({"log_format": "auto"}, {}).log_format == form
                assert resolve({"log_format": "json"}, {}).log_format == "json"
    finally:
        os.close(ours)


def test_the_file_may_hold_numbers_and_switches(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('threads = 3\ngrace_s = 1.5\ninsecure = true\nhttp = "off"\n')
    settings = resolve({}, {}, path)
    assert (settings.threads, settings.grace_s) == (3, 1.5)
    assert settings.insecure and settings.http is None


def test_all_errors_come_at_once_and_say_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('colour = "red"\nlog_level = "loud"\n')
    with pytest.raises(StartupError) as caught:
        resolve({"threads": 0}, {"ALSERVICE_LISTN": "x"}, path)
    text = str(caught.value)
    assert f"colour in {path}: there is no setting 'colour'" in text
    assert f"log_level in {path}: must be one of debug" in text
    assert "ALSERVICE_LISTN: there is no setting 'listn'; did you mean listen?" in text
    assert "--threads: must be a number from 1 to 1024, not '0'" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", ""),
        ("listen", "50051"),
        ("http", "unix:/a"),
        ("threads", "many"),
        ("threads", "1.5"),
        ("grace_s", "nan"),
        ("grace_s", "-1"),
        ("insecure", "maybe"),
        ("log_format", "xml"),
        ("role", "boss"),
        ("waiting", "1e3"),
        ("objects", ""),
        ("cache_bytes", "10"),
        ("cache_bytes", "16G"),
        ("scoring", "cluster"),
        ("scoring", "ray://head"),
        ("scoring", "ray://:10001"),
        ("import_roots", ""),
        ("import_roots", "/inbox,,/more"),
        ("tls_cert", "cert.pem"),
        ("tls_client_ca", "ca.pem"),
    ],
)
def test_bad_values_are_refused(name: str, value: str) -> None:
    with pytest.raises(StartupError):
        resolve({}, {f"ALSERVICE_{name.upper()}": value})


def test_places_of_imports_are_a_list_in_a_file_and_parted_by_commas_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    roots = ("/inbox", "s3://bucket/below", str(tmp_path / "near"))
    (tmp_path / "a.toml").write_text('import_roots = ["/inbox", "s3://bucket/below", "near"]')
    assert resolve({}, {}, tmp_path / "a.toml").import_roots == roots
    environ = {"ALSERVICE_IMPORT_ROOTS": "/inbox, s3://bucket/below,near"}
    assert resolve({}, environ).import_roots == roots
    assert resolve({}, {}).import_roots == ()


def service_links(service: str) -> dict[str, str]:
    """What Kubernetes tells every container about a Service with two ports."""
    told = {"SERVICE_HOST": "10.3.0.7", "SERVICE_PORT": "50051", "SERVICE_PORT_GRPC": "50051"}
    told["PORT"] = "tcp://10.3.0.7:50051"
    for number, protocol in [("50051", "tcp"), ("8080", "udp")]:
        port = f"PORT_{number}_{protocol.upper()}"
        told[port] = f"{protocol}://10.3.0.7:{number}"
        parts = {"ADDR": "10.3.0.7", "PORT": number, "PROTO": protocol}
        told |= {f"{port}_{part}": value for part, value in parts.items()}
    return {f"{service}_{name}": value for name, value in told.items()}


@pytest.mark.parametrize("service", ["ALSERVICE", "ALSERVICE_API", "ALSERVICE_2"])
def test_what_kubernetes_tells_of_a_service_of_our_name_is_no_setting(service: str) -> None:
    assert resolve({}, service_links(service)) == resolve({}, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALSERVICE_PORT", "50051"),
        ("ALSERVICE_HTTP_PORT", "8080"),
        ("ALSERVICE_HOST", "10.3.0.7"),
        ("ALSERVICE_SERVICE_PORT", "tcp"),
        ("ALSERVICE_PORT_50051_TCP_ADDRESS", "10.3.0.7"),
    ],
)
def test_what_only_looks_like_it_is_still_refused(name: str, value: str) -> None:
    with pytest.raises(StartupError, match=f"{name}: there is no setting"):
        resolve({}, {name: value})


@pytest.mark.parametrize("value", ["local", "ray", "ray://head:10001", "ray://[::1]:10001"])
def test_scoring_is_here_or_on_ray(value: str) -> None:
    assert resolve({}, {"ALSERVICE_SCORING": value}).scoring == value


@pytest.mark.parametrize("name", ["listen", "http"])
def test_other_machines_are_served_with_tls_or_on_purpose_only(name: str) -> None:
    flags: dict[str, object] = {name: "0.0.0.0:0"}
    with pytest.raises(StartupError, match=r"--tls-cert.*--insecure"):
        resolve(flags, {})
    assert resolve({**flags, "insecure": True}, {}).insecure
    assert resolve({**flags, "tls_cert": "c", "tls_key": "k"}, {}).tls_cert == Path("c")


@pytest.mark.parametrize(("role", "other"), [("worker", "api"), ("api", "worker")])
def test_half_a_service_on_a_folder_of_its_own_is_refused(role: str, other: str) -> None:
    with pytest.raises(StartupError, match=rf"--role {other} process shares.*--role all"):
        resolve({}, {"ALSERVICE_ROLE": role})
    assert resolve({"role": "all"}, {}) == resolve({}, {})


@pytest.mark.parametrize(
    ("role", "does"), [("all", {"answers", "works"}), ("api", {"answers"}), ("worker", {"works"})]
)
def test_roles_share_the_work(role: str, does: set[str]) -> None:
    settings = Settings(role=role)
    assert {what for what in ("answers", "works") if getattr(settings, what)} == does


@pytest.mark.parametrize("content", [None, "threads = ", b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "broken.toml"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(StartupError, match=r"broken\.toml"):
        resolve({}, {}, path)


def test_every_setting_is_a_flag_of_serve_and_the_other_way_round() -> None:
    from alservice.cli.serve import serve  # noqa: PLC0415

    flags = set(serve.__annotations__) - {"config", "return"}
    assert {"grace_s" if flag == "grace" else flag for flag in flags} == set(PARSERS)


def test_threads_are_limited_before_numpy_is_loaded_and_the_user_s_choice_stands() -> None:
    program = (
        "import os, sys, alservice.config as c; assert 'numpy' not in sys.modules; "
        "c.limit_threads(3); "
        "print(*(os.environ[name] for name in c.POOLS), os.environ['OMP_WAIT_POLICY'])"
    )
    environ = {k: v for k, v in os.environ.items() if "NUM_THREADS" not in k}
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=environ | {"OMP_NUM_THREADS": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["7", "3", "3", "PASSIVE"]


def test_the_address_of_the_catalog_is_never_shown() -> None:
    given = "postgresql://me:hunter2@db/al"
    settings = resolve({}, {"ALSERVICE_CATALOG": given})
    assert settings.catalog == given
    assert "hunter2" not in repr(settings)
    with pytest.raises(StartupError, match=r"ALSERVICE_CATALOG: must be postgresql://") as caught:
        resolve({}, {"ALSERVICE_CATALOG": "mysql://me:hunter2@db/al"})
    assert "hunter2" not in str(caught.value)
