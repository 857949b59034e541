"""What the server says at start about an object store that it cannot work with."""

import logging
import subprocess
from pathlib import Path

import pytest

from alservice.bootstrap import Adapters
from alservice.config import Settings
from alservice.domain.startup import StartupError
from alservice.storage.open_place import FIRST_CONTACT, open_place
from tests.running_server import command, environment
from tests.s3.places import QUICK
from tests.s3.server import BUCKET, S3Server


def refused(objects: str, folder: Path) -> str:
    with pytest.raises(StartupError) as caught:
        open_place(objects, folder, 1 << 20, QUICK).close()
    text = str(caught.value)
    assert len(text) < 700
    assert "Debug" not in text
    return text


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket(tmp_path: Path) -> None:
    assert "make that bucket, or name one that exists" in refused("s3://nowhere/p", tmp_path)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong"),
        ("AWS_ACCESS_KEY_ID", "nobody"),
        ("AWS_ACCESS_KEY_ID", "reader"),  # who may not write
    ],
)
def test_wrong_or_weak_credentials(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    text = refused(s3.fresh(), tmp_path)
    assert "check the credentials (AWS_ACCESS_KEY_ID" in text
    assert "get, put, delete and list" in text


def test_nobody_at_the_endpoint(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "check that the object store is up" in refused(s3.fresh(), tmp_path)


def test_what_does_not_answer_is_told_soon_and_was_named_before(
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert FIRST_CONTACT.request_s + FIRST_CONTACT.retry_s <= 10
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    objects = s3.fresh()
    caplog.set_level(logging.INFO, "alservice")
    with pytest.raises(StartupError, match=f"retry_timeout: {FIRST_CONTACT.retry_s}s"):
        open_place(objects, tmp_path)
    assert caplog.messages == [f"opening the segments: {objects}"]


def test_plain_http_leaves_this_machine_only_on_purpose(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://0.0.0.0:{s3.port}")
    assert "set AWS_ALLOW_HTTP=true if the network is trusted" in refused(s3.fresh(), tmp_path)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    open_place(s3.fresh(), tmp_path, 1 << 20, QUICK).close()


@pytest.mark.parametrize("address", ["s4://bucket/prefix", "s3://", "://"])
def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    assert "say s3://bucket/prefix" in refused(address, tmp_path)


def test_a_cache_that_is_in_use(s3: S3Server, tmp_path: Path) -> None:
    place = open_place(s3.fresh(), tmp_path, 1 << 20, QUICK)
    assert "in use by process" in refused(s3.fresh(), tmp_path)
    place.close()
    open_place(s3.fresh(), tmp_path, 1 << 20, QUICK).close()


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot hold segments" in refused(str(tmp_path / "file"), tmp_path)


def test_a_failed_start_lets_go_of_the_catalog(s3: S3Server, tmp_path: Path) -> None:
    wrong = Settings(data=tmp_path / "data", objects="s3://nowhere/p", cache_bytes=1 << 20)
    right = Settings(data=tmp_path / "data", objects=s3.fresh(), cache_bytes=1 << 20)
    with pytest.raises(StartupError):
        Adapters.open(wrong, lambda: None)
    Adapters.open(right, lambda: None).close()


def test_two_clusters_on_one_bucket_and_one_clear_line(s3: S3Server, tmp_path: Path) -> None:
    objects = s3.fresh()
    Adapters.open(Settings(data=tmp_path / "a", objects=objects), lambda: None).close()
    second = subprocess.run(
        [*command(tmp_path / "b"), "--objects", objects],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = " ".join(second.stderr.split())
    assert second.returncode not in (0, -9)
    assert "belongs to cluster" in said
    assert f"s3://{BUCKET}" in said
    assert "Traceback" not in said
