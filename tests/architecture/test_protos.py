"""The contract keeps its own rules: names, comments, secrets, and nothing that was recorded ever changes.

The offline floor under `buf lint` and `buf breaking`. Record additions with `python tests/architecture/test_protos.py`.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
RECORD = Path(__file__).with_name("protos.lock")

Field = descriptor_pb2.FieldDescriptorProto
SECRET_NAMES = {"token", "previous_token", "secret", "settings"}
# The record of a provider's stored message says `path` of an element by these field numbers of descriptor.proto.
MESSAGE, ENUM, SERVICE, NESTED_MESSAGE, NESTED_ENUM, FIELD, ONEOF, VALUE, METHOD = 4, 5, 6, 3, 4, 2, 8, 2, 2


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *arguments], check=True, cwd=ROOT)


def _proto_paths() -> list[str]:
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[descriptor_pb2.FileDescriptorProto]:
    return _compiled(tmp_path_factory.mktemp("protos"))


def _compiled(folder: Path) -> list[descriptor_pb2.FileDescriptorProto]:
    target = folder / "all.binpb"
    _run("--include_source_info", f"--descriptor_set_out={target}", *_proto_paths())
    return list(descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()).file)


def _messages(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...], Any]]:
    """Every message with its full name and its path in the source, nested ones included."""

    def below(prefix: str, path: tuple[int, ...], messages: Any, number: int) -> Iterator[Any]:
        for index, message in enumerate(messages):
            if not message.options.map_entry:
                here = (*path, number, index)
                yield f"{prefix}.{message.name}", here, message
                yield from below(f"{prefix}.{message.name}", here, message.nested_type, NESTED_MESSAGE)

    yield from below(file.package, (), file.message_type, MESSAGE)


def _enums(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...], Any]]:
    for index, enum in enumerate(file.enum_type):
        yield f"{file.package}.{enum.name}", (ENUM, index), enum
    for name, path, message in _messages(file):
        for index, enum in enumerate(message.enum_type):
            yield f"{name}.{enum.name}", (*path, NESTED_ENUM, index), enum


def _elements(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Everything that needs a comment."""
    for name, path, message in _messages(file):
        yield name, path
        yield from ((f"{name}.{item.name}", (*path, FIELD, index)) for index, item in enumerate(message.field))
        yield from ((f"{name}.{item.name}", (*path, ONEOF, index)) for index, item in enumerate(message.oneof_decl))
    for name, path, enum in _enums(file):
        yield name, path
        yield from ((f"{name}.{item.name}", (*path, VALUE, index)) for index, item in enumerate(enum.value))
    for number, service in enumerate(file.service):
        yield service.name, (SERVICE, number)
        for index, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (SERVICE, number, METHOD, index)


def _contract(files: list[descriptor_pb2.FileDescriptorProto]) -> set[str]:
    """One line for each thing that callers depend on."""
    lines = set()
    for file in files:
        for name, _, message in _messages(file):
            for field in message.field:
                oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else "-"
                kind = field.type_name or Field.Type.Name(field.type)
                lines.add(f"{name} {field.number} {field.name} {kind} {Field.Label.Name(field.label)} {oneof}")
        lines |= {f"{name} {value.number} {value.name}" for name, _, enum in _enums(file) for value in enum.value}
        lines |= {
            f"{file.package}.{service.name}.{method.name} {method.input_type} {method.output_type} "
            f"{method.client_streaming} {method.server_streaming}"
            for service in file.service
            for method in service.method
        }
    return lines


def test_the_generated_code_is_what_the_protos_say(tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROTOS / "generate.py", tmp_path], check=True)

    generated = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*")}
    committed = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "anychannel" / "v1").glob("*_pb2*.py*")}

    assert sorted(generated) == sorted(committed)
    assert [path for path, text in generated.items() if committed[path] != text] == [], "run `make protos`"


def test_everything_has_a_comment(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    bare = []
    for file in files:
        comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
        bare += [name for name, path in _elements(file) if not comments.get(path)]

    assert bare == []


def test_a_file_says_what_it_is_for(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    assert [file.name for file in files if not (PROTOS / file.name).read_text().startswith("// ")] == []


def test_path_is_package_is_import(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    assert {(file.package, file.name.rpartition("/")[0]) for file in files} == {("anychannel.v1", "anychannel/v1")}


def test_services_and_their_rpcs_are_named_by_the_rule(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    services = [service for file in files for service in file.service]
    used = [
        kind for service in services for method in service.method for kind in (method.input_type, method.output_type)
    ]

    assert [service.name for service in services if not service.name.endswith("Service")] == []
    assert len(used) == len(set(used)), "every RPC has a request and a response of its own"
    for service in services:
        for method in service.method:
            names = (method.input_type, method.output_type)
            long, short = f"{service.name}{method.name}", method.name
            expected = [
                tuple(f".anychannel.v1.{stem}{end}" for end in ("Request", "Response")) for stem in (short, long)
            ]
            assert names in expected


def test_enums_are_prefixed_and_begin_with_unspecified(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    for file in files:
        for _, _, enum in _enums(file):
            prefix = "".join(f"_{letter}" if letter.isupper() else letter for letter in enum.name).lstrip("_").upper()
            assert (enum.value[0].name, enum.value[0].number) == (f"{prefix}_UNSPECIFIED", 0)
            assert [value.name for value in enum.value if not value.name.startswith(f"{prefix}_")] == []


def test_times_and_spans_are_named_by_the_rule(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    for file in files:
        for name, _, message in _messages(file):
            for field in message.field:
                is_time = field.type_name == ".google.protobuf.Timestamp"
                assert is_time == field.name.endswith("_time"), f"{name}.{field.name}"
                assert not field.name.endswith(("_at", "_ms", "_seconds")), f"{name}.{field.name}"


def test_secrets_are_marked(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    unmarked = [
        f"{name}.{field.name}"
        for file in files
        for name, _, message in _messages(file)
        for field in message.field
        if field.name in SECRET_NAMES and field.type != Field.TYPE_BOOL and not field.options.debug_redact
    ]

    assert unmarked == []


def test_only_protoc_itself_is_needed(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    foreign = {
        dependency
        for file in files
        for dependency in file.dependency
        if not dependency.startswith(("anychannel/v1/", "google/protobuf/"))
    }

    assert foreign == set()


def test_nothing_recorded_has_changed(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    gone = set(RECORD.read_text().splitlines()) - _contract(files)

    assert sorted(gone) == [], "callers depend on these: add, never change; what leaves is reserved in a new version"


def test_everything_is_recorded(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    new = _contract(files) - set(RECORD.read_text().splitlines())

    assert sorted(new) == [], "record additions with `python tests/architecture/test_protos.py`"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        RECORD.write_text("\n".join(sorted(_contract(_compiled(Path(scratch))))) + "\n")
