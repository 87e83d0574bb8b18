import json
from pathlib import Path

import pytest

from service.model import BundleError, load_bundle
from service.model.strict_json import MAX_CONTAINERS, MAX_DEPTH, parse_json
from tests.conftest import RELEASED
from tests.hostile_bundles import rewrite, write_manifest


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[-1e999]",
        b'"\\ud800"',
        b'{"\\uDfff": 1}',
        b"\xff\xfe[\x00]\x00",
        b"\xef\xbb\xbf[]",
        b'"\xed\xa0\x80"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
        b"[1,]",
        b"",
    ],
)
def test_invalid_json_is_an_error(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^x\.json: is not JSON in UTF-8") as raised:
        parse_json(content, "x.json")
    assert "\n" not in str(raised.value)


def test_number_of_containers_is_limited() -> None:
    most = b"[" + b",".join([b"{}"] * (MAX_CONTAINERS - 1)) + b"]"
    assert len(parse_json(most, "x.json")) == MAX_CONTAINERS - 1
    with pytest.raises(BundleError, match=r"^x\.json: expected at most 100000 objects and lists"):
        parse_json(most[:-1] + b",[]]", "x.json")


def test_depth_is_limited() -> None:
    deepest = b"[" * MAX_DEPTH + b"0" + b"]" * MAX_DEPTH
    assert parse_json(deepest, "x.json")
    for deeper in (b"[%b]" % deepest, b'{"a": %b}' % deepest):
        with pytest.raises(BundleError, match=f"at most {MAX_DEPTH} levels"):
            parse_json(deeper, "x.json")


def test_valid_json_is_parsed_as_by_the_library() -> None:
    for path in RELEASED.glob("*/*.json"):
        assert parse_json(path.read_bytes(), path.name) == json.loads(path.read_bytes())
    assert parse_json(b'"\\ud83d\\ude00"', "x.json") == "\N{GRINNING FACE}"


def test_deeply_nested_manifest_is_an_error(bundle_copy: Path) -> None:
    manifest = json.loads((bundle_copy / "manifest.json").read_text())
    nested: object = 0
    for _ in range(900):  # the parser takes it, what copies it would not
        nested = {"a": nested}
    write_manifest(bundle_copy, json.dumps(manifest | {"recipe": {"name": nested}}).encode())
    with pytest.raises(BundleError, match="levels of lists and objects"):
        load_bundle(bundle_copy)


def test_every_file_of_a_bundle_is_parsed_strictly(bundle_copy: Path) -> None:
    for name in ("topics.json", "vocabulary.json", "goldens.json", "drift_baseline.json"):
        content = (bundle_copy / name).read_bytes() if (bundle_copy / name).exists() else b""
        rewrite(bundle_copy, name, b"NaN")
        with pytest.raises(BundleError, match=f"{name}: is not JSON in UTF-8: NaN"):
            load_bundle(bundle_copy)
        if content:
            rewrite(bundle_copy, name, content)
