"""Where the process begins: prepare it, run the command, turn errors into one line and a code."""

import multiprocessing
import os
import sys

from alservice.config import available_threads, limit_threads


def main() -> None:
    """Run the command line. Exits with 0, 1 (it failed) or 2 (it could not begin)."""
    limit_threads(available_threads())
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # errors reach people in our own words
    multiprocessing.set_start_method("spawn", force=True)  # neither gRPC nor FAISS survives fork
    from alservice.cli.app import build  # noqa: PLC0415 loads libraries: threads are limited by now
    from alservice.cli.failure import Failure  # noqa: PLC0415
    from alservice.domain.startup import StartupError  # noqa: PLC0415

    try:
        build()()
    except StartupError as error:
        _say(error)
        sys.exit(2)
    except Failure as error:
        _say(error)
        sys.exit(error.exit_code)


def _say(error: Exception) -> None:
    sys.stderr.write(f"alservice: {' '.join(str(error).split())}\n")


if __name__ == "__main__":
    main()
