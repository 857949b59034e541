"""Files as objects of S3 or a store like it: `ObjectFiles`, read through a bounded local cache."""

from alservice.storage.objects.bucket import Bucket
from alservice.storage.objects.cache_folder import CacheFolder
from alservice.storage.objects.object_files import ObjectFiles
from alservice.storage.objects.open_bucket import open_bucket

__all__ = ["Bucket", "CacheFolder", "ObjectFiles", "open_bucket"]
