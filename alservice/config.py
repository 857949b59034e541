"""Settings: what a file, the environment and flags say, resolved once, with all errors at once.

Flags win over the environment, the environment over the file. A name that nobody knows is an
error: a misspelt setting that is ignored is found in production. Imports nothing heavy, because
it decides how many threads the libraries get before they are loaded.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from alservice import setting_values
from alservice.domain.address import is_loopback
from alservice.domain.startup import StartupError

PREFIX: Final = "ALSERVICE_"
# Read by others: clients, and the project's own tests and benchmarks.
NOT_OURS: Final = {"ALSERVICE_ADDRESS", "ALSERVICE_PUBLIC_DATA", "ALSERVICE_BENCH_SMALL"}
# What Kubernetes puts into every pod of a namespace with a Service called alservice(-...): name
# and value, so that ALSERVICE_PORT=50051, which somebody means, is still refused.
_SERVICE_LINK: Final = re.compile(
    r"ALSERVICE_([A-Z0-9_]+_)?"
    r"(SERVICE_HOST=.*"
    r"|SERVICE_PORT(_[A-Z0-9_]+)?=\d+"
    r"|PORT(_\d+_(TCP|UDP|SCTP))?=(tcp|udp|sctp)://.*"
    r"|PORT_\d+_(TCP|UDP|SCTP)_(ADDR=.*|PORT=\d+|PROTO=(tcp|udp|sctp)))"
)
POOLS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_CHOSEN_BY_USER: Final = {name for name in POOLS if name in os.environ}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a server runs. `http` None means no HTTP port; `grace_s` is in seconds.

    `objects` None means that segments are files in `data`; `cache_bytes` None a share of the disk.
    `catalog` is where PostgreSQL is, None for SQLite below `data`; it may hold a password, and so
    is never shown. `scoring` is where pools are walked: local, ray, or ray://host:port.
    Files below `import_roots`, paths and addresses, may be imported.
    """

    data: Path = Path("data")
    catalog: str | None = field(default=None, repr=False)
    listen: str = "127.0.0.1:50051"
    http: str | None = "127.0.0.1:8080"
    threads: int = 1
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    insecure: bool = False
    grace_s: float = 30.0
    log_format: str = "json"
    log_level: str = "info"
    waiting: int = 256
    ready_file: Path | None = None
    objects: str | None = None
    cache_bytes: int | None = None
    role: str = "all"
    scoring: str = "local"
    import_roots: tuple[str, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether it serves the API."""
        return self.role != "worker"

    @property
    def works(self) -> bool:
        """Whether it carries out operations."""
        return self.role != "api"


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave, and where."""

    value: object
    source: str


Raw = Mapping[str, Given]


def resolve(
    flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None = None
) -> Settings:
    """The settings. `flags` that are None were not given. Raises StartupError with all errors."""
    raw = {**_from_file(file), **_from_environment(environ), **_from_flags(flags)}
    values: dict[str, Any] = {
        "threads": available_threads(),
        "log_format": setting_values.log_format("auto"),
    }
    errors: list[str] = []
    for name, given in raw.items():
        try:
            values[name] = _parse(name, given.value)
        except ValueError as error:
            errors.append(f"{given.source}: {error}")
    errors += _conflicts(values)
    if errors:
        raise StartupError("; ".join(errors))
    return Settings(**values)


def limit_threads(threads: int) -> None:
    """Give libraries with pools of their own so many threads; for before they are imported."""
    for name in POOLS:
        if name not in _CHOSEN_BY_USER:
            os.environ[name] = str(threads)
    # Threads that spin while they wait take the cores from those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def available_threads() -> int:
    """Cores that this process may use: its affinity, and the quota of its control group."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, _quota(Path("/sys/fs/cgroup/cpu.max")) or cores))


def _quota(path: Path) -> int | None:
    """Whole cores in `cpu.max` of cgroup v2, rounded up; None for no limit."""
    try:
        quota, period = path.read_text().split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _from_file(file: Path | None) -> Raw:
    if file is None:
        return {}
    try:
        content = tomllib.loads(file.read_text())
    except OSError as error:
        raise StartupError(f"cannot read {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartupError(f"{file} is not valid TOML: {error}") from error
    return {name: Given(value, f"{name} in {file}") for name, value in content.items()}


def _from_environment(environ: Mapping[str, str]) -> Raw:
    ours = {k: v for k, v in environ.items() if k.startswith(PREFIX) and not _foreign(k, v)}
    return {name.removeprefix(PREFIX).lower(): Given(v, name) for name, v in ours.items()}


def _foreign(name: str, value: str) -> bool:
    return name in NOT_OURS or _SERVICE_LINK.fullmatch(f"{name}={value}") is not None


def _from_flags(flags: Mapping[str, object]) -> Raw:
    given = {name: value for name, value in flags.items() if value is not None}
    names = {name: "--" + name.removesuffix("_s").replace("_", "-") for name in given}
    return {name: Given(value, names[name]) for name, value in given.items()}


def _parse(name: str, value: object) -> object:
    if name not in PARSERS:
        near = difflib.get_close_matches(name, PARSERS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(PARSERS)}"
        raise ValueError(f"there is no setting {name!r}{hint}")
    return PARSERS[name](value)


PARSERS: Final[Mapping[str, Callable[[object], object]]] = {
    "data": setting_values.path,
    "catalog": setting_values.catalog,
    "listen": setting_values.address,
    "http": setting_values.http,
    "threads": setting_values.number(int, 1, 1024),
    "tls_cert": setting_values.path,
    "tls_key": setting_values.path,
    "tls_client_ca": setting_values.path,
    "insecure": setting_values.switch,
    "grace_s": setting_values.number(float, 0, 3600),
    "log_format": setting_values.log_format,
    "log_level": setting_values.one_of("debug", "info", "warning", "error"),
    "waiting": setting_values.number(int, 0, 100_000),
    "ready_file": setting_values.path,
    "objects": setting_values.place,
    "cache_bytes": setting_values.number(int, 1 << 20, 1 << 60),
    "role": setting_values.one_of("all", "api", "worker"),
    "scoring": setting_values.scoring,
    "import_roots": setting_values.roots,
}
if set(PARSERS) != {each.name for each in fields(Settings)}:
    raise AssertionError("every setting needs a parser")


def _conflicts(values: Mapping[str, Any]) -> list[str]:
    """What no single setting is to blame for."""
    errors = _lonely(values)
    tls = {name for name in ("tls_cert", "tls_key") if values.get(name)}
    if len(tls) == 1 or (values.get("tls_client_ca") and not tls):
        errors.append("--tls-cert and --tls-key belong together")
    if not tls and not values.get("insecure"):
        for name in ("listen", "http"):
            address = values.get(name) or "127.0.0.1:0"
            if not is_loopback(address):
                errors.append(
                    f"--{name} {address} can be reached from other machines: give --tls-cert and "
                    "--tls-key, or --insecure if the network is trusted"
                )
    return errors


def _lonely(values: Mapping[str, Any]) -> list[str]:
    """Half a service is of use only where its other half reaches the same catalog."""
    role = values.get("role", "all")
    if role == "all" or values.get("catalog"):
        return []
    other = "worker" if role == "api" else "api"
    text = (
        f"--role {role} needs a catalog that a --role {other} process shares: give both the same "
        "--catalog postgresql://...; a folder belongs to one process, which needs --role all"
    )
    return [text]
