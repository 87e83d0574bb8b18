import pytest

from service.model import BundleError
from service.model.errors import MAX_MESSAGE_LENGTH
from tests.fuzzing.bundles import DAMAGED


def test_long_messages_are_cut() -> None:
    error = BundleError("topics.json: got " + "word " * 5_000 + "instead")
    assert MAX_MESSAGE_LENGTH - 2 < len(str(error)) <= MAX_MESSAGE_LENGTH
    assert str(error).startswith("topics.json: got word ")
    assert str(error).endswith(" word instead")
    assert str(BundleError("short")) == "short"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("topics.json", b"[" * 90_000),
        ("vocabulary.json", b'{"rose": 5, "title:oil": 9223372036854775808}'),
        ("vocabulary.json", b'{"oil": 4, "title:oil": 1152921504606846976}'),
    ],
)
def test_fuzzing_findings_in_bundles_are_errors(name: str, content: bytes) -> None:
    with pytest.raises(BundleError, match=name):
        DAMAGED.load(name, content)
