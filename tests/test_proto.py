"""The messages of the Open Inference Protocol: as published, and as `make proto` generates them."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import tritonclient.grpc.service_pb2 as published

from service.api.grpc import open_inference_pb2 as pb
from tests.conftest import ROOT

PROTO: Final = "service/api/grpc/open_inference.proto"


def test_fields_are_those_of_the_specification() -> None:
    """As Triton's client has them, which is generated from the published file."""

    def fields(message: Any) -> dict[str, Any]:
        own = {
            each.name: (each.number, each.type, each.is_repeated, each.has_presence)
            for each in message.fields
        }
        nested = {name: fields(each) for name, each in message.nested_types_by_name.items()}
        return own | nested

    messages = pb.DESCRIPTOR.message_types_by_name
    assert len(messages) == 11
    for name, message in messages.items():
        assert fields(message) == fields(published.DESCRIPTOR.message_types_by_name[name]), name


def test_generated_again_it_is_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", "--proto_path=."]
    outputs = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([*command, *outputs, PROTO], cwd=ROOT, check=True)
    names = ("open_inference_pb2.py", "open_inference_pb2.pyi")
    for name in names:
        committed = (ROOT / PROTO).with_name(name).read_bytes()
        made = (tmp_path / PROTO).with_name(name).read_bytes()
        assert made == committed, "run `make proto`"
