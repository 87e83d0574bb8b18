import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from onnx.numpy_helper import to_array
from rich.console import Console
from scipy.sparse import csr_array

from service.model import NewsText, build_classifier
from service.model.outputs import PROBABILITIES
from training.data import Article, Dataset, Split
from training.data.dataset import NO_TOPIC
from training.data.reuters_expected import TOPIC_CODES
from training.data.views import views_of
from training.evaluation.evaluate import evaluate_out_of_fold
from training.recipes import TrainedModel
from training.recipes.calibration import CalibrationSettings
from training.recipes.examples import Example, Kind, TrainingTexts, training_texts
from training.recipes.linear import LinearSettings, fit, split_into_folds
from training.recipes.linear_network import quantize, to_tensor
from training.recipes.reuters import read_written_texts
from training.recipes.svm import C_OF_REUTERS
from training.release.export import check_parity, export

FREQUENT_TOPICS = (3, 4, 19, 16, 1)
WRITTEN = [
    item
    for item in read_written_texts()
    if not item.topics or item.topics[0] in {TOPIC_CODES[topic] for topic in FREQUENT_TOPICS}
][::10]
SETTINGS = LinearSettings(seed=0, folds=2, calibration=CalibrationSettings(max_iterations=50))


def some_of(split: Split, per_topic: int) -> Split:
    """A part of a split: so many newswires of each of the frequent topics."""
    chosen = [np.flatnonzero(split.labels == topic)[:per_topic] for topic in FREQUENT_TOPICS]
    return split.select(np.concatenate(chosen), range(20 * per_topic // 16))


def fit_small(dataset: Dataset, console: Console) -> TrainedModel:
    """Fit by `SETTINGS` and the `WRITTEN` texts."""
    return fit(
        dataset.train,
        dataset.vocabulary,
        seed=SETTINGS.seed,
        console=console,
        written=WRITTEN,
        folds=SETTINGS.folds,
        calibration=SETTINGS.calibration,
    )


@pytest.fixture(scope="module")
def dataset(corpus_dataset: Dataset) -> Dataset:
    """A small part of the corpus, so that the recipe is through in seconds."""
    train, test = some_of(corpus_dataset.train, 80), some_of(corpus_dataset.test, 20)
    return replace(corpus_dataset, train=train, test=test)


@pytest.fixture(scope="module")
def progress() -> io.StringIO:
    """What the fit of `network` shows."""
    return io.StringIO()


@pytest.fixture(scope="module")
def network(dataset: Dataset, progress: io.StringIO) -> TrainedModel:
    console = Console(file=progress, width=160)
    return fit_small(dataset, console)


@pytest.mark.usefixtures("network")
def test_one_progress_bar_for_all_fits(progress: io.StringIO) -> None:
    shown = [line.rpartition(" ") for line in progress.getvalue().splitlines()]
    assert len({title for title, _, _ in shown}) == 1
    assert [count for _, _, count in shown] == ["1/3", "2/3", "3/3"]


def test_accuracy_is_above_chance(network: TrainedModel, dataset: Dataset) -> None:
    texts = views_of(dataset.test, dataset.vocabulary)["article"].texts
    token_ids = [network.encoder.token_ids(item.text, item.title) for item in texts]
    predicted = network.predict(token_ids)[PROBABILITIES][:, :-1].argmax(axis=1)
    assert (predicted == dataset.test.labels).mean() > 0.8  # guessing: 0.2


def test_exported_network_has_parity(
    network: TrainedModel, dataset: Dataset, tmp_path: Path
) -> None:
    classifier = build_classifier(export(network, dataset, folder=tmp_path / "1", command="a test"))
    assert classifier.thresholds == network.thresholds
    texts = [NewsText("."), NewsText("oil " * 30_000), NewsText("zzyzx", "OIL"), NewsText("Oil")]
    token_ids = [network.encoder.token_ids(item.text, item.title) for item in texts]
    actual = classifier.infer([classifier.encode(text) for text in texts])
    check_parity(expected=network.predict(token_ids)[PROBABILITIES], actual=actual)


def test_settings_are_recorded(network: TrainedModel) -> None:
    assert network.settings["svm"]["C"] == C_OF_REUTERS
    assert network.settings["calibration"]["max_iterations"] == 50
    assert network.settings["written_texts"] == len(WRITTEN)
    synonyms = network.settings["synonyms"]
    assert synonyms
    assert all(network.encoder.vocabulary[word] > 3 for word in synonyms)
    assert dict(network.history) == {}


def test_probability_of_no_topic_is_higher_for_negatives(
    network: TrainedModel, dataset: Dataset
) -> None:
    assert network.no_topic
    stream = [item.news_text for item in dataset.test.negatives]
    topical = views_of(dataset.test, dataset.vocabulary)["article"].texts
    means = [
        network.predict([network.encoder.token_ids(item.text, item.title) for item in texts])[
            PROBABILITIES
        ][:, -1].mean()
        for texts in (stream, topical)
    ]
    assert means[0] > 0.5 > means[1]


def test_out_of_fold_predictions_are_calibrated(network: TrainedModel, dataset: Dataset) -> None:
    assert network.out_of_fold is not None
    n_topical = len(dataset.train.labels)
    assert (network.out_of_fold.labels[:n_topical] == dataset.train.labels).all()
    assert (network.out_of_fold.labels[n_topical:] == NO_TOPIC).all()
    assert len(network.out_of_fold.labels) == n_topical + len(dataset.train.negatives)
    measured = evaluate_out_of_fold(network.out_of_fold, network.thresholds, TOPIC_CODES)
    before, after = (
        measured[name].scores() for name in ("out_of_fold_uncalibrated", "out_of_fold")
    )
    assert after["expected_calibration_error"] < before["expected_calibration_error"]
    assert after["answered_accuracy"] >= 0.95
    assert after["no_topic_auc"] > 0.8
    assert 0 < after["coverage"] < 1


def test_same_seed_same_network(network: TrainedModel, dataset: Dataset) -> None:
    again = fit_small(dataset, Console(file=io.StringIO()))
    assert again.encoder.vocabulary == network.encoder.vocabulary
    texts = views_of(dataset.test, dataset.vocabulary)["article"].texts
    token_ids = [network.encoder.token_ids(item.text, item.title) for item in texts]
    ours, theirs = network.predict(token_ids), again.predict(token_ids)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])
    assert again.thresholds == network.thresholds


def test_texts_of_a_newswire_share_a_fold(dataset: Dataset) -> None:
    texts = training_texts(dataset.train, dataset.vocabulary, seed=0, written=())
    folds = split_into_folds(texts, SETTINGS)
    for newswire in range(len(dataset.train.labels)):
        assert len(set(folds[texts.groups == newswire])) == 1
    counts = np.bincount(folds[texts.whole])
    assert len(counts) == 2
    assert abs(int(counts[0]) - int(counts[1])) <= 2


def test_tokens_with_count_0_are_ignored(network: TrainedModel) -> None:
    session = onnxruntime.InferenceSession(network.exported)
    ids = np.array([[1, 4, 5, 6]])
    counts = np.array([[1, 3, 0, 2], [1, 0, 0, 0], [1, 1, 2, 0]], dtype=np.float32)
    together = session.run(None, {"token_ids": ids, "token_counts": counts})
    for number, row in enumerate(counts):
        there = row > 0
        inputs = {"token_ids": ids[:, there], "token_counts": row[np.newaxis, there]}
        for output, alone in zip(together, session.run(None, inputs), strict=True):
            np.testing.assert_allclose(alone[0], output[number], atol=1e-6)


def test_sparse_tensor_has_the_same_numbers() -> None:
    dense = np.array([[0, 2, 0], [0, 0, 0], [3, 0, 1]], dtype=np.float32)
    tensor = to_tensor(csr_array(dense))
    np.testing.assert_array_equal(tf.sparse.to_dense(tensor).numpy(), dense)


def test_topics_are_those_of_the_data_set() -> None:
    """Two topics that are not of Reuters, so without written texts, and without negatives."""
    texts = {"rain": "Showers and thunder over the hills", "chess": "The bishop takes a pawn"}
    articles = [
        Article(code, f"{text} on day {day}", has_body=True, keras_text="", topics=(code,))
        for day in range(6)
        for code, text in texts.items()
    ]
    labels = np.array([0, 1] * 6)
    train = Split([[1]] * 12, labels, ["rain", "chess"], articles)
    model = fit(train, {}, seed=0, console=Console(file=io.StringIO()))
    token_ids = [model.encoder.token_ids(text, None) for text in texts.values()]
    probabilities = model.predict(token_ids)[PROBABILITIES]
    assert not model.no_topic
    assert probabilities.shape == (2, 2)
    assert probabilities.argmax(axis=1).tolist() == [0, 1]
    assert not model.settings.keys() & {"synonyms", "written_texts"}


def test_fewer_folds_for_rare_topics() -> None:
    """A fold has no text of a topic with fewer texts than there are folds."""
    labels = [0] * 7 + [1] * 3

    def folds_of(labels: list[int]) -> NDArray[np.int64]:
        examples = [
            Example(NewsText("a"), group, Kind.WHOLE, (str(label),))
            for group, label in enumerate(labels)
        ]
        texts = TrainingTexts.of(examples, ["0", "1"])
        return split_into_folds(texts, LinearSettings(seed=0))

    folds = folds_of(labels)
    assert np.unique(folds).tolist() == [0, 1, 2, 3, 4]
    assert len(np.unique(folds[7:])) == 3
    assert np.unique(folds_of([0] * 3 + [1] * 3)).tolist() == [0, 1, 2]


def test_kernel_is_quantized(network: TrainedModel) -> None:
    graph = onnx.load_from_string(network.exported).graph
    (kernel,) = (to_array(item) for item in graph.initializer if item.name == "kernel")
    assert kernel.dtype == np.int8
    assert np.abs(kernel).max() == 127


@pytest.mark.parametrize("n_ids", [1, 50])
def test_quantized_values_are_the_nearest(n_ids: int) -> None:
    kernel = np.random.default_rng(0).normal(size=(n_ids, 4)).astype(np.float32)
    kernel[:, 1] *= 1_000
    kernel[:, 2] = 0
    quantized, scales = quantize(kernel)
    assert quantized.dtype == np.int8
    assert scales.dtype == np.float32
    assert np.abs(quantized).max(axis=0).tolist() == [127, 127, 0, 127]
    assert (np.abs(quantized * scales - kernel) <= scales * 0.5001).all()
