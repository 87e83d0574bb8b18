from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array, random_array

from service.model import NewsText
from training.data.reuters_expected import TOPIC_CODES
from training.recipes.examples import Example, Kind, TrainingTexts
from training.recipes.features import FeatureSettings
from training.recipes.svm import LinearSVMs, SVMSettings, add_synonyms, fit_each, fit_svms

C = 0.7


@pytest.fixture(scope="module")
def rows() -> csr_array:
    generator = np.random.default_rng(0)
    return csr_array(random_array((300, 40), density=0.2, rng=generator, format="csr"))


def objective(
    weights: NDArray[np.float64],
    rows: NDArray[np.float64],
    signs: NDArray[np.float64],
    sample_weights: NDArray[np.float64],
) -> float:
    """L2-regularised squared hinge loss, the intercept regularised as LIBLINEAR does."""
    slack = np.maximum(0, 1 - signs * (rows @ weights[:-1] + weights[-1]))
    return float(0.5 * weights @ weights + C * (sample_weights * slack**2).sum())


def test_weights_minimise_the_svm_objective(rows: csr_array) -> None:
    """An oracle: the objective, minimised by SciPy."""
    generator = np.random.default_rng(1)
    truth = generator.normal(size=(40, 3))
    targets = rows @ truth + 0.5 * generator.normal(size=(300, 3)) > 0.3
    sample_weights = generator.choice([0.5, 1.0], size=300).astype(np.float32)
    weights = fit_each(targets, rows, sample_weights, C)
    assert weights.shape == (41, 3)
    for column in range(3):
        signs = np.where(targets[:, column], 1.0, -1.0)
        arguments = (rows.toarray(), signs, sample_weights.astype(np.float64))
        best = minimize(objective, np.zeros(41), arguments)
        assert objective(weights[:, column], *arguments) == pytest.approx(best.fun, rel=1e-3)
        np.testing.assert_allclose(weights[:, column], best.x, atol=0.05)


def test_constant_targets_have_constant_margin(rows: csr_array) -> None:
    targets = np.stack([np.ones(300, dtype=bool), np.zeros(300, dtype=bool)], axis=1)
    weights = fit_each(targets, rows, np.ones(300, dtype=np.float32), C)
    assert not weights[:-1].any()
    assert weights[-1].tolist() == [1, -1]


@pytest.fixture(scope="module")
def texts() -> TrainingTexts:
    """Two topics and no topic, with words that tell them apart; and one negative about oil."""
    examples = [
        Example(NewsText(text), group, Kind.WHOLE, topics)
        for group, (text, topics) in enumerate(
            [
                ("Crude oil rose", ("crude",)),
                ("Crude oil fell", ("crude",)),
                ("Wheat exports rose", ("wheat",)),
                ("Wheat exports fell", ("wheat",)),
                ("The minister rose", ()),
                ("The minister fell", ()),
                ("Crude oil oil", ()),
            ]
        )
    ]
    return TrainingTexts.of(examples, TOPIC_CODES)


def margins_of(svms: LinearSVMs, texts: Sequence[NewsText]) -> NDArray[np.float32]:
    return svms.margins([svms.encoder.encode(item.text, item.title) for item in texts])


def test_last_margin_is_of_no_topic(texts: TrainingTexts) -> None:
    svms = fit_svms(texts, SVMSettings(C=10), FeatureSettings())
    asked = [NewsText("Crude oil"), NewsText("Wheat exports"), NewsText("The minister")]
    margins = margins_of(svms, asked)
    assert margins.shape == (3, len(TOPIC_CODES) + 1)
    crude, wheat = TOPIC_CODES.index("crude"), TOPIC_CODES.index("wheat")
    assert margins[:, :-1].argmax(axis=1)[:2].tolist() == [crude, wheat]
    assert margins[2, -1] > margins[:2, -1].max()


def test_negatives_are_left_out_of_topics(texts: TrainingTexts) -> None:
    svms = fit_svms(texts, SVMSettings(), FeatureSettings())
    minister = svms.kernel[svms.encoder.vocabulary["minister"]]
    assert not minister[:-1].any()
    assert minister[-1] > 0


def test_negatives_do_not_add_reserved_words(texts: TrainingTexts) -> None:
    written = TrainingTexts.of(
        [
            Example(NewsText(f"A medal for the {name}"), 7, Kind.WRITTEN, ())
            for name in ("swimmer", "swimmer", "minister")
        ],
        TOPIC_CODES,
    )
    both = TrainingTexts.of([*examples_of(texts), *examples_of(written)], TOPIC_CODES)
    vocabulary = fit_svms(both, SVMSettings(), FeatureSettings()).encoder.vocabulary
    assert {"medal", "swimmer", "minister"} <= vocabulary.keys()
    svms = fit_svms(both, SVMSettings(), FeatureSettings(), reserved={"medal", "minister"})
    assert "medal" not in svms.encoder.vocabulary
    assert {"swimmer", "minister"} <= svms.encoder.vocabulary.keys()


def examples_of(texts: TrainingTexts) -> list[Example]:
    return [
        Example(text, int(group), Kind(kind), () if label < 0 else (TOPIC_CODES[label],))
        for text, group, kind, label in zip(
            texts.texts, texts.groups, texts.kinds, texts.labels, strict=True
        )
    ]


def test_synonym_has_margins_of_its_equivalents(texts: TrainingTexts) -> None:
    plain = fit_svms(texts, SVMSettings(C=10), FeatureSettings())
    known = {
        "gusher": ["crude", "oil"],
        "loaf": ["wheat"],
        "spaceship": ["rocket"],
        "oil": ["fell"],
    }
    svms, usable = add_synonyms(plain, known)
    assert usable == {"gusher": ["crude", "oil"], "loaf": ["wheat"]}
    pairs = [
        (NewsText("Gusher rose"), NewsText("Crude oil rose")),
        (NewsText("exports fell", "Loaf"), NewsText("exports fell", "Wheat")),
        (NewsText("They say gusher", "A title"), NewsText("They say crude oil", "A title")),
    ]
    for new, old in pairs:
        np.testing.assert_allclose(margins_of(svms, [new]), margins_of(plain, [old]), atol=1e-5)
    assert svms.encoder.encode("gusher").known_words_ratio == 1
    before = margins_of(plain, texts.texts)
    after = margins_of(svms, texts.texts)
    np.testing.assert_allclose(before, after, atol=1e-6)
