"""Fixtures: data, bundles, classifiers, a trained network and a client."""

import io
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from rich.console import Console

from service.app import NewswireApp, create_app
from service.model import TopicClassifier, find_bundle, load_classifier, save_bundle
from service.settings import ServiceSettings
from tests.fuzzing.small_bundle import save_small_bundle
from tests.skips import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401 - hooks
from training.data import Dataset, Source, load_dataset

if TYPE_CHECKING:
    from training.recipes import TrainedModel

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "models" / "reuters"
LATEST = find_bundle(RELEASED)
"""The bundle that is served."""

# no deadline: machines are busy; print_blob shows how to reproduce a failure
hypothesis.settings.register_profile("tests", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tests")

SLOW_FOLDERS = {"compose", "end_to_end", "fuzzing", "reliability"}
SHARED = {
    "test_export.py": "trained",
    "test_mlp.py": "trained",
    "test_serving_skew.py": "trained",
    "test_generated_client.py": "interface environment",
    "test_fuzz.py": "interface environment",
    "test_documented_clients.py": "interface environment",
}
"""Modules that one worker of pytest-xdist shall have, by what they share."""


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a module, and of modules that share something, in one worker."""
    scheduling = import_module("xdist.scheduler").LoadFileScheduling(config, log)
    module_of = scheduling._split_scope

    def group_of(nodeid: str) -> str:
        module: str = module_of(nodeid)
        return SHARED.get(Path(module).name, module)

    scheduling._split_scope = group_of
    return scheduling


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder and fixtures."""
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        if folder in SLOW_FOLDERS:
            item.add_marker("slow")
        fixtures = getattr(item, "fixturenames", ())
        if folder == "training" or "trained" in fixtures:
            item.add_marker("tensorflow")
        if "browser" in fixtures:
            item.add_marker("browser")


@pytest.fixture(scope="session", autouse=True)
def restore_sigint() -> None:
    """Programs that the tests interrupt would inherit an ignored SIGINT of a background job."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def unset_settings() -> Iterator[None]:
    """Unset the developer's NEWSWIRE_ variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("NEWSWIRE_") and name != "NEWSWIRE_DATA_DIR":
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the corpus and of Keras' files."""
    folder = Path(os.environ.get("NEWSWIRE_DATA_DIR") or ROOT / "data")
    if (folder / "reuters21578.tar.gz").exists() and (folder / "reuters.npz").exists():
        return folder
    reason = f"no Reuters data in {folder}: run `make data` or set NEWSWIRE_DATA_DIR"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def keras_dataset(data_dir: Path) -> Dataset:
    return load_dataset(Source.KERAS, data_dir)


@pytest.fixture(scope="session")
def corpus_dataset(data_dir: Path) -> Dataset:
    return load_dataset(Source.REUTERS21578, data_dir)


@pytest.fixture(scope="session")
def same_word_ids(keras_dataset: Dataset, corpus_dataset: Dataset) -> None:
    """Skip if the ``keras`` files are Keras' own.

    They rank words of equal frequency in another order than files rebuilt from the corpus, so the
    two sources cannot be compared word by word.
    """
    if len(keras_dataset.vocabulary) != len(corpus_dataset.vocabulary):
        pytest.skip("Keras' own files rank words of equal frequency in another order")


@pytest.fixture(scope="session")
def trained(corpus_dataset: Dataset) -> "TrainedModel":
    """The book's network, trained here with seed 0."""
    import keras

    from training.recipes.mlp import fit

    keras.utils.clear_session()  # its counter names the weights
    train, vocabulary = corpus_dataset.train, corpus_dataset.vocabulary
    return fit(train, vocabulary, seed=0, console=Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def trained_bundle(
    trained: "TrainedModel", corpus_dataset: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of the bundle that was exported from `trained`."""
    from training.release.export import export

    folder = tmp_path_factory.mktemp("bundles") / "7"
    save_bundle(export(trained, corpus_dataset, folder=folder, command="a test"), folder, {})
    return folder


@pytest.fixture(scope="session")
def classifier() -> TopicClassifier:
    """The released model."""
    return load_classifier(RELEASED)


@pytest.fixture(scope="session")
def no_topic_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small bundle that can predict "none of the topics"."""
    folder = tmp_path_factory.mktemp("no_topic") / "1"
    save_small_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def no_topic_classifier(no_topic_folder: Path) -> TopicClassifier:
    """A small model that can predict "none of the topics"."""
    return load_classifier(no_topic_folder)


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """A copy of the book's released bundle that a test may damage."""
    return Path(shutil.copytree(RELEASED / "1", tmp_path / "models" / "1"))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def settings() -> ServiceSettings:
    return ServiceSettings()


@pytest.fixture(scope="module")
def apps(classifier: TopicClassifier) -> Callable[[ServiceSettings], NewswireApp]:
    """One application for all tests of a module with the same settings."""

    @cache
    def build(settings: str) -> NewswireApp:
        return create_app(
            ServiceSettings.model_validate_json(settings), classifier, CollectorRegistry()
        )

    return lambda settings: build(settings.model_dump_json())


@pytest.fixture
def client(request: pytest.FixtureRequest, settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of an application; one with metrics of its own if the test uses ``registry``."""
    if "registry" in request.fixturenames:
        classifier = request.getfixturevalue("classifier")
        app = create_app(settings, classifier, request.getfixturevalue("registry"))
    else:
        app = request.getfixturevalue("apps")(settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
