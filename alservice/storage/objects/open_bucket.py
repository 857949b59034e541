"""From an address to a bucket that can be worked with, or to what is wrong with it."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import from_url

from alservice.domain.address import is_loopback
from alservice.domain.errors import ObjectStoreUnavailable
from alservice.domain.startup import StartupError
from alservice.storage.objects.bucket import Bucket

if TYPE_CHECKING:  # not there at run time
    from obstore.store import ClientConfig, RetryConfig

_PROBE: Final = b"alservice was here"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request may take, and for how long it is repeated, both in seconds."""

    request_s: float = 30.0  # of a few MiB
    retry_s: float = 30.0
    retries: int = 6


def open_bucket(
    url: str,
    environ: Mapping[str, str] = os.environ,
    patience: Patience | None = None,
    *,
    flag: str = "--objects",
) -> Bucket:
    """The bucket at an address such as s3://bucket/prefix; nothing is asked of it yet.

    Credentials and endpoint come from the usual AWS_* variables. Raises StartupError, which
    names the `flag` that the address comes from.
    """
    waits = patience or Patience()
    client: ClientConfig = {
        "timeout": timedelta(seconds=waits.request_s),
        "connect_timeout": timedelta(seconds=5),
    }
    if _is_plain_http(environ):
        client["allow_http"] = True
    retry: RetryConfig = {
        "max_retries": waits.retries,
        "retry_timeout": timedelta(seconds=waits.retry_s),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=3),
            "base": 2,
        },
    }
    try:
        return Bucket(from_url(url, client_options=client, retry_config=retry), url)
    except (BaseError, ValueError) as error:
        found = str(error).split("\n", 1)[0]
        text = f"{flag} {url} names no object store: say s3://bucket/prefix ({found})"
        raise StartupError(text) from error


def probe(bucket: Bucket) -> None:
    """Make an object, read, list and delete it. Raises StartupError that says what to do."""
    name = secrets.token_hex(8)
    key = f"probe/{name}"
    try:
        made = bucket.put_new(key, _PROBE)
        found = bucket.get(key)
        listed = bucket.files("probe")
        bucket.delete(key)
    except ObjectStoreUnavailable as error:
        raise StartupError(str(error)) from error
    if not made or found != _PROBE or name not in listed:
        text = (
            f"{bucket.address} does not show what was just written there: it must be consistent, "
            "and write under new names only when asked to (If-None-Match)"
        )
        raise StartupError(text)


def _is_plain_http(environ: Mapping[str, str]) -> bool:
    """Whether the endpoint is plain HTTP. Raises StartupError where that is not safe."""
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL", "")
    parts = urlsplit(endpoint)
    if parts.scheme != "http":
        return False
    if not is_loopback(parts.netloc) and environ.get("AWS_ALLOW_HTTP", "").lower() != "true":
        text = (
            f"AWS_ENDPOINT_URL {parts.netloc} is another machine, and http is not encrypted: use "
            "https, or set AWS_ALLOW_HTTP=true if the network is trusted"
        )
        raise StartupError(text)
    return True
