"""What holds for every test: no deadlines (speed is for `make bench`), one thread per library.

Under CI Hypothesis draws the same examples each time, so that a change fails only for what it did.
"""

import os

from hypothesis import settings

from tests.ray.cluster import cluster, ray
from tests.s3.server import s3

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

settings.register_profile("local", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

__all__ = ["cluster", "ray", "s3"]
