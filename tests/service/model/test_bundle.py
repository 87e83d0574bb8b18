import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from service.model import BundleError, load_bundle, save_bundle
from service.model.bundle import (
    DRIFT_BASELINE_FILE,
    REQUIRED_FILES,
    check_writable,
)
from tests.conftest import LATEST, RELEASED
from tests.hostile_bundles import edit_manifest, edit_topics, rewrite, write_manifest


def test_saved_bundle_is_loaded_unchanged(bundle_copy: Path, tmp_path: Path) -> None:
    bundle = replace(load_bundle(bundle_copy), drift_baseline=None)
    written = save_bundle(bundle, tmp_path / "new" / "1", {"note.md": b"# hello"})
    again = load_bundle(tmp_path / "new" / "1")
    assert again.manifest == written
    assert again.network == bundle.network
    assert again.vocabulary == bundle.vocabulary
    assert again.topics == bundle.topics
    assert again.goldens == bundle.goldens
    assert (tmp_path / "new" / "1" / "evaluation" / "note.md").read_bytes() == b"# hello"
    assert set(written.files) == {*REQUIRED_FILES, "evaluation/note.md"}


def test_save_does_not_overwrite(bundle_copy: Path) -> None:
    before = (bundle_copy / "manifest.json").read_bytes()
    with pytest.raises(BundleError, match="expected an absent or an empty folder"):
        save_bundle(load_bundle(bundle_copy), bundle_copy, {})
    assert (bundle_copy / "manifest.json").read_bytes() == before


def test_save_to_an_empty_folder(bundle_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    save_bundle(load_bundle(bundle_copy), tmp_path / "empty", {})
    load_bundle(tmp_path / "empty")


def test_failed_save_leaves_no_files(bundle_copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "1"
    with pytest.raises(BundleError, match="cannot be written"):
        save_bundle(load_bundle(bundle_copy), target, {"no/such/folder.md": b""})
    assert list(target.parent.iterdir()) == []


def test_interrupted_save_leaves_no_files(
    bundle_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    bundle = load_bundle(bundle_copy)
    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_bundle(bundle, tmp_path / "out" / "1", {})
    assert list((tmp_path / "out").iterdir()) == []


def test_check_writable(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "1")
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(BundleError, match="/proc/none/1: cannot be written"):
        check_writable(Path("/proc/none/1"))
    (tmp_path / "file").write_text("")
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(BundleError, match="expected an absent or an empty folder"):
            check_writable(taken)


def test_save_follows_a_link_to_an_empty_folder(bundle_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    save_bundle(load_bundle(bundle_copy), tmp_path / "link", {})
    load_bundle(tmp_path / "empty")


@pytest.mark.parametrize("name", [*REQUIRED_FILES, "evaluation/curves.png"])
def test_altered_file_is_an_error(bundle_copy: Path, name: str) -> None:
    with (bundle_copy / name).open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    with pytest.raises(BundleError, match=f"{name}: altered: expected SHA-256"):
        load_bundle(bundle_copy)


def test_altered_manifest_is_an_error(bundle_copy: Path) -> None:
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"created": "2', '"created": "1'))
    with pytest.raises(BundleError, match=r"manifest\.json: altered: its SHA-256 is not that of"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("folder", [RELEASED / "1", LATEST])
def test_sha256sum_verifies_the_manifest(folder: Path) -> None:
    shown = subprocess.run(
        ["sha256sum", "--check", "--strict", "manifest.sha256"],
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    )
    assert shown.stdout == "manifest.json: OK\n"


@pytest.mark.parametrize("name", [*REQUIRED_FILES, "manifest.json", "manifest.sha256"])
def test_missing_file_is_an_error(bundle_copy: Path, name: str) -> None:
    (bundle_copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: cannot be read: No such file"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("name", REQUIRED_FILES)
def test_truncated_file_is_an_error(bundle_copy: Path, name: str) -> None:
    content = (bundle_copy / name).read_bytes()
    (bundle_copy / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(BundleError, match=f"{name}: altered"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_invalid_manifest_is_an_error(bundle_copy: Path, content: bytes) -> None:
    write_manifest(bundle_copy, content)
    with pytest.raises(BundleError, match=r"manifest\.json: (is not JSON|expected an object)"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "a/../../b", "", ".", "a/b/c"])
def test_paths_out_of_the_bundle_are_errors(bundle_copy: Path, name: str) -> None:
    edit_manifest(bundle_copy, lambda m: m["files"].update({name: "0" * 64}))
    with pytest.raises(BundleError, match="is not a plain path in the bundle"):
        load_bundle(bundle_copy)


def test_links_out_of_the_bundle_are_errors(bundle_copy: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    (bundle_copy / "model.onnx").rename(outside)
    (bundle_copy / "model.onnx").symlink_to(outside)
    with pytest.raises(BundleError, match=r"model\.onnx: expected a file inside the bundle"):
        load_bundle(bundle_copy)


def test_file_without_a_hash_is_an_error(bundle_copy: Path) -> None:
    edit_manifest(bundle_copy, lambda m: m["files"].pop("model.onnx"))
    with pytest.raises(BundleError, match=r"no hash for model\.onnx$"):
        load_bundle(bundle_copy)
    edit_manifest(bundle_copy, lambda m: m.pop("files"))
    with pytest.raises(BundleError, match=r"no hash for model\.onnx, vocabulary\.json, topics"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("value", [[], {"oil": "4"}, {"oil": True}])
def test_invalid_vocabulary_is_an_error(bundle_copy: Path, value: object) -> None:
    rewrite(bundle_copy, "vocabulary.json", value)
    with pytest.raises(BundleError, match=r"vocabulary\.json: expected an object of word to"):
        load_bundle(bundle_copy)


def test_invalid_topics_are_an_error(bundle_copy: Path) -> None:
    rewrite(bundle_copy, "topics.json", {"topics": []})
    with pytest.raises(BundleError, match=r"topics\.json: expected a list, got dict"):
        load_bundle(bundle_copy)


def test_drift_baseline_is_optional(tmp_path: Path) -> None:
    latest = load_bundle(LATEST)
    assert latest.drift_baseline is not None
    written = save_bundle(replace(latest, drift_baseline=None), tmp_path / "without", {})
    assert DRIFT_BASELINE_FILE not in written.files
    assert load_bundle(tmp_path / "without").drift_baseline is None
    written = save_bundle(latest, tmp_path / "again", {})
    assert DRIFT_BASELINE_FILE in written.files
    assert load_bundle(tmp_path / "again").drift_baseline == latest.drift_baseline


def test_baseline_of_version_1_gets_the_reason_it_did_not_have() -> None:
    written = json.loads((RELEASED / "4" / DRIFT_BASELINE_FILE).read_text())
    assert "no_topic" not in written["abstentions"]
    baseline = load_bundle(RELEASED / "4").drift_baseline
    assert baseline is not None
    assert baseline.abstentions == written["abstentions"] | {"no_topic": 0}


@pytest.mark.parametrize("value", [[], {}, {"topics": {"earn": "many"}}])
def test_invalid_drift_baseline_is_an_error(bundle_copy: Path, value: object) -> None:
    rewrite(bundle_copy, DRIFT_BASELINE_FILE, value)
    with pytest.raises(BundleError, match="drift_baseline"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"code": ""},
        {"code": 'earn"} 1\n#'},
        {"code": "x" * 65},
        {"code": ".earn"},
        {"code": "local news"},
        {"code": "a\u200bb"},
        {"name": ""},
        {"name": " "},
        {"group": "a\nb"},
        {"description": "\x00"},
        {"name": "\u202eevil"},
        {"name": "x" * 501},
    ],
)
def test_unprintable_topics_are_an_error(bundle_copy: Path, changes: dict[str, str]) -> None:
    edit_topics(bundle_copy, **changes)
    with pytest.raises(BundleError, match=r"topics\.json, entry 0: expected a code of letters"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("code", ["local-news", "x" * 64, "спорт", "政治", "खेल", "Börse_2.1"])
def test_codes_of_any_script(bundle_copy: Path, code: str) -> None:
    edit_topics(bundle_copy, code=code)
    codes = [topic["code"] for topic in json.loads((bundle_copy / "topics.json").read_text())]
    baseline = json.loads((bundle_copy / DRIFT_BASELINE_FILE).read_text())
    counts = baseline["topics"].values()
    rewrite(
        bundle_copy,
        DRIFT_BASELINE_FILE,
        baseline | {"topics": dict(zip(codes, counts, strict=True))},
    )
    assert load_bundle(bundle_copy).topics[0].code == code


@pytest.mark.parametrize("changes", [{"code": 3}, {"name": None}, {"id": "0"}, {"id": True}])
def test_topics_of_other_types_are_an_error(bundle_copy: Path, changes: dict[str, object]) -> None:
    edit_topics(bundle_copy, **changes)
    with pytest.raises(BundleError, match=r"topics\.json, entry 0: \w+: expected \w+, got"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("name", ["name", "version", "created"])
@pytest.mark.parametrize("value", ["", "\n", "a\x1bb", "x" * 501])
def test_unprintable_manifest_is_an_error(bundle_copy: Path, name: str, value: str) -> None:
    edit_manifest(bundle_copy, lambda manifest: manifest.update({name: value}))
    with pytest.raises(BundleError, match=rf"manifest\.json: {name}: expected 1 to 500"):
        load_bundle(bundle_copy)
