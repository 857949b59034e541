"""Generate the Python of `proto/` into `alservice/api`, or check that what is there is up to date.

Our files are compiled without their dependency on `buf/validate/validate.proto`: the rules stay in
the descriptors as plain bytes, where protovalidate reads them, and so no second copy of that file
is registered in the process of somebody who brings one along (protobuf refuses two that differ).
"""

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[1]
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
RULES = "buf/validate/validate.proto"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def protoc(*arguments: str) -> None:
    """Run the protoc of grpcio-tools; its messages go to the terminal."""
    plugins = Path(sys.executable).parent
    command = [sys.executable, "-m", "grpc_tools.protoc", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, env={"PATH": f"{plugins}:/usr/bin:/bin"})


def describe(sources: list[str], image: Path) -> None:
    """Write the descriptors of `sources` and of all that they import, comments included."""
    protoc(
        "-Iproto",
        "-Ithird_party/proto",
        f"-I{WELL_KNOWN}",
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={image}",
        *sources,
    )


def without_rules(image: bytes) -> bytes:
    """The same descriptors, in which ours no longer import the file of validation rules."""
    files = descriptor_pb2.FileDescriptorSet.FromString(image)
    for file in files.file:
        kept = [name for name in file.dependency if name != RULES]
        file.dependency[:] = kept
    return files.SerializeToString(deterministic=True)


def generate(target: Path) -> None:
    """Compile every proto of ours below `target`."""
    sources = sorted(str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto").rglob("*.proto"))
    if not sources:
        sys.exit("no proto files below proto/")
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        describe(sources, image)
        image.write_bytes(without_rules(image.read_bytes()))
        protoc(
            f"--descriptor_set_in={image}",
            f"--python_out={target}",
            f"--mypy_out=quiet:{target}",
            f"--grpc_python_out={target}",
            f"--mypy_grpc_out=quiet:{target}",
            *sources,
        )
    drop_empty_services(target)


def drop_empty_services(target: Path) -> None:
    """Remove the service modules of files without a service; protoc writes them all the same."""
    for module in target.rglob("*_pb2_grpc.py"):
        if "Servicer" not in module.read_text():
            module.unlink()
            module.with_suffix(".pyi").unlink(missing_ok=True)


def generated_files(root: Path) -> set[str]:
    """Paths of generated files below `root`, relative to it."""
    api = root / "alservice" / "api"
    return {str(p.relative_to(root)) for pattern in GENERATED for p in api.rglob(pattern)}


def differences(fresh: Path) -> list[str]:
    """Generated files that are missing, stale or left over in the repository."""
    wanted, present = generated_files(fresh), generated_files(ROOT)
    _, changed, odd = filecmp.cmpfiles(fresh, ROOT, sorted(wanted & present), shallow=False)
    return sorted((wanted ^ present) | set(changed) | set(odd))


def check(fresh: Path) -> None:
    """Exit with the list of files that regeneration would change."""
    if stale := differences(fresh):
        sys.exit("not up to date (run `make proto`):\n  " + "\n  ".join(stale))
    print(f"generated code is up to date: {len(generated_files(fresh))} files")


def replace(fresh: Path) -> None:
    """Put the fresh files in place of the old ones."""
    for name in sorted(generated_files(ROOT) - generated_files(fresh)):
        (ROOT / name).unlink()
    shutil.copytree(fresh, ROOT, dirs_exist_ok=True)
    print(f"generated {len(generated_files(fresh))} files below alservice/api")


def main() -> None:
    """Generate, then replace or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        (check if arguments.check else replace)(fresh)


if __name__ == "__main__":
    main()
