import keras
import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from sklearn.svm import LinearSVC

from training.recipes.linear import Examples, LinearSettings, fit_linear, to_tensor


@pytest.fixture(scope="module")
def examples() -> Examples:
    generator = np.random.default_rng(0)
    rows = random_array((300, 40), density=0.2, rng=generator, format="csr", dtype=np.float32)
    truth = generator.normal(size=(40, 3))
    noise = generator.normal(size=(300, 3))
    targets = np.where(rows @ truth + 0.5 * noise > 0.3, 1, -1).astype(np.float32)
    weights = generator.choice([0.5, 1.0], size=300).astype(np.float32)
    return Examples(csr_array(rows), targets, weights)


def test_finds_the_weights_of_a_support_vector_machine(examples: Examples) -> None:
    """An oracle: LIBLINEAR, which has the same objective, one machine after the other."""
    keras.utils.set_random_seed(0)
    settings = LinearSettings(strength=0.7, epochs=600, batch_size=300, learning_rate=0.1)
    layer, history = fit_linear(examples, settings, seed=0)
    kernel, bias = layer.get_weights()
    assert history["loss"][-1] < history["loss"][0]
    for machine in range(3):
        expected = LinearSVC(C=0.7, tol=1e-8, max_iter=100_000).fit(
            examples.rows, examples.targets[:, machine], sample_weight=examples.weights
        )
        np.testing.assert_allclose(kernel[:, machine], expected.coef_[0], atol=1e-2)
        np.testing.assert_allclose(bias[machine], expected.intercept_[0], atol=1e-2)


def test_what_is_held_out_is_measured_and_not_learnt(examples: Examples) -> None:
    settings = LinearSettings(epochs=2)
    keras.utils.set_random_seed(0)
    alone, _ = fit_linear(examples, settings, seed=0)
    keras.utils.set_random_seed(0)
    measured, history = fit_linear(examples, settings, seed=0, validation=examples)
    assert len(history["val_loss"]) == 2
    for ours, theirs in zip(alone.get_weights(), measured.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_sparse_tensor_has_the_same_numbers(examples: Examples) -> None:
    import tensorflow as tf

    dense = tf.sparse.to_dense(to_tensor(examples.rows)).numpy()
    np.testing.assert_array_equal(dense, examples.rows.toarray())
