"""`alservice serve`: run the server until a signal ends it."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alservice.config import Settings, limit_threads, resolve
from alservice.domain.startup import StartupError

if TYPE_CHECKING:
    from alservice.bootstrap import App

STUCK = 1  # exit code when calls had to be left behind
FAILED = 1  # exit code when nothing could be written any more


# None means that the flag was not given: the environment or the file may say it.
ConfigFile = Annotated[Path | None, typer.Option(help="TOML file with settings.")]
Data = Annotated[Path | None, typer.Option(help="Folder of all state [./data].")]
Catalog = Annotated[
    str | None,
    typer.Option(help="postgresql://... that replicas share [SQLite in the data folder]."),
]
Listen = Annotated[
    str | None, typer.Option(help="Address for gRPC [127.0.0.1:50051]; port 0: any free one.")
]
Http = Annotated[
    str | None, typer.Option(help="Address for health and metrics [127.0.0.1:8080], or off.")
]
Threads = Annotated[int | None, typer.Option(help="Threads for computing [all cores it may use].")]
TlsCert = Annotated[Path | None, typer.Option(help="Certificate of the server, PEM.")]
TlsKey = Annotated[Path | None, typer.Option(help="Key of the server, PEM.")]
TlsClientCa = Annotated[
    Path | None, typer.Option(help="Callers must show a certificate signed by this, PEM.")
]
Insecure = Annotated[
    bool | None, typer.Option("--insecure", help="Serve other machines without TLS.")
]
Grace = Annotated[
    float | None, typer.Option(help="Seconds that running calls get after SIGTERM [30].")
]
LogFormat = Annotated[str | None, typer.Option(help="auto, json or console [auto].")]
LogLevel = Annotated[str | None, typer.Option(help="debug, info, warning or error [info].")]
Waiting = Annotated[
    int | None, typer.Option(help="Calls of one kind that may wait for a thread [256].")
]
Objects = Annotated[
    str | None,
    typer.Option(
        help="Where segments and indexes are: s3://bucket/prefix (credentials and endpoint from "
        "AWS_*), or a folder [the folder of --data]."
    ),
]
CacheBytes = Annotated[
    int | None,
    typer.Option(
        help="Bytes of the local cache of an object store [16 GiB, at most 3/4 of the disk]."
    ),
]
ReadyFile = Annotated[
    Path | None, typer.Option(help="Write addresses and pid there, as JSON, once serving.")
]
Role = Annotated[
    str | None,
    typer.Option(help="all, api (answers calls) or worker (carries out operations) [all]."),
]
Scoring = Annotated[
    str | None,
    typer.Option(
        help="Where pools are walked: local, ray (a cluster of this machine) or ray://host:port "
        "[local]."
    ),
]
ImportRoots = Annotated[
    str | None,
    typer.Option(
        help="Folders and s3://bucket/folder addresses, parted by commas, below which ImportItems "
        "may read files [none]."
    ),
]


def serve(
    config: ConfigFile = None,
    data: Data = None,
    catalog: Catalog = None,
    listen: Listen = None,
    http: Http = None,
    threads: Threads = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    insecure: Insecure = None,
    grace: Grace = None,
    log_format: LogFormat = None,
    log_level: LogLevel = None,
    waiting: Waiting = None,
    ready_file: ReadyFile = None,
    objects: Objects = None,
    cache_bytes: CacheBytes = None,
    role: Role = None,
    scoring: Scoring = None,
    import_roots: ImportRoots = None,
) -> None:
    """Run the server.

    Each option can also be an environment variable (ALSERVICE_DATA) or stand in the file that
    --config names (data = "...").
    """
    flags = locals()
    del flags["config"]
    flags["grace_s"] = flags.pop("grace")
    settings = resolve(flags, os.environ, config)
    _require_folder(settings.ready_file)
    limit_threads(settings.threads)
    raise typer.Exit(asyncio.run(_run(settings)))


COMMAND = serve


def _require_folder(file: Path | None) -> None:
    """Nothing, if this can be written once the server is there. Raises StartupError."""
    if file is not None and not (folder := file.absolute().parent).is_dir():
        raise StartupError(f"--ready-file {file}: there is no such folder; make {folder}")


async def _run(settings: Settings) -> int:
    """Serve until SIGTERM, SIGINT or a failure of the storage, then drain; the exit code."""
    from alservice.bootstrap import App  # noqa: PLC0415 loads numpy: threads are limited by now

    ended = _signals()
    async with App(settings) as app:
        await app.start()
        _announce(app, settings)
        await _first(ended, app.failed)
        if not await app.drain():
            # A thread that does not come back must not keep the process; the state is safe.
            os._exit(STUCK)
    return FAILED if app.failed.is_set() else 0


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of them is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for wait in waiting:
        wait.cancel()


def _signals() -> asyncio.Event:
    """Set by the first signal; the second ends the process at once."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if ended.is_set():
            os._exit(128 + number)
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return ended


def _announce(app: "App", settings: Settings) -> None:
    http = f", HTTP on {app.http_address}" if app.http_address else ""
    objects = f", segments in {settings.objects}" if settings.objects else ""
    typer.echo(f"alservice: serving gRPC on {app.address}{http}, data in {settings.data}{objects}")
    if settings.ready_file:
        ready = {"pid": os.getpid(), "grpc": app.address, "http": app.http_address}
        part = settings.ready_file.with_suffix(".part")
        part.write_text(json.dumps(ready) + "\n")
        part.replace(settings.ready_file)
