"""The S3 server of the tests is there, and knows whom it lets in."""

import pytest

from alservice.domain.startup import StartupError
from alservice.storage.objects import open_bucket
from alservice.storage.objects.open_bucket import probe
from tests.s3.places import QUICK, fresh_bucket
from tests.s3.server import S3Server


def test_a_bucket_that_can_be_worked_with_is_said_to_be_so(s3: S3Server) -> None:
    bucket = fresh_bucket(s3)
    probe(bucket)
    assert bucket.files("probe") == {}
    bucket.close()


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_named() -> None:
    with pytest.raises(StartupError, match="in s3://nowhere/p: make that bucket"):
        probe(open_bucket("s3://nowhere/p", patience=QUICK))
