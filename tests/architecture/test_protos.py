"""The generated messages carry their validation rules, without the file that declares them."""

import importlib
from pathlib import Path
from types import ModuleType

import protovalidate
from google.protobuf import descriptor_pb2

V1 = Path(__file__).parents[2] / "alservice" / "api" / "v1"
MODULES = [
    importlib.import_module(f"alservice.api.v1.{path.stem}")
    for path in sorted(V1.glob("*_pb2.py"))
]


def file_of(module: ModuleType) -> descriptor_pb2.FileDescriptorProto:
    """The descriptor that a module registers."""
    return descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)


def test_no_generated_file_registers_the_rules_of_others() -> None:
    assert len(MODULES) > 8
    imported = {name for module in MODULES for name in file_of(module).dependency}
    assert not [name for name in imported if name.startswith("buf/")]


def test_the_rules_of_every_message_compile() -> None:
    checked = [
        protovalidate.collect_violations(getattr(module, name)())
        for module in MODULES
        for name in module.DESCRIPTOR.message_types_by_name
    ]
    assert len(checked) > 40
    assert any(checked), "an empty request breaks some rule"
