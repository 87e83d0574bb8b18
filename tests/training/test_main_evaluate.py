"""``evaluate`` beside the data that a bundle was trained on, and beside others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from service.model import load_bundle, save_bundle
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of
from training.__main__ import cli
from training.data.loading import load_data
from training.data.options import DataOptions

pytestmark = pytest.mark.tensorflow

WARNING: Final = "was trained on other data: texts may be among its training texts"


def test_bundle_of_other_data_is_named(tmp_path: Path) -> None:
    data, other = tmp_path / "desk.jsonl", tmp_path / "other.jsonl"
    for path in (data, other):
        rows = (
            {"text": f"{text_of(n % 3)} In {path.stem} {n}.", "topics": [code_of(n % 3)]}
            for n in range(60)
        )
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    bundle = load_bundle(save_synthetic_bundle(tmp_path / "synthetic", 3))
    fingerprint = load_data(DataOptions(data=(str(data),))).fingerprint()
    trained = bundle.manifest.data | {"fingerprint": fingerprint}
    manifest = replace(bundle.manifest, data=trained, version="1")
    save_bundle(replace(bundle, manifest=manifest), tmp_path / "1", {})

    for path, warns in ((data, False), (other, True)):
        shown = CliRunner().invoke(cli, ["evaluate", str(tmp_path / "1"), "--data", str(path)])
        assert shown.exit_code == 0, shown.output
        assert (f"{tmp_path / '1'} {WARNING}" in shown.output) is warns
        assert "linear SVM, article" in shown.output
