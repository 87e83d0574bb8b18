"""Runs a bundle's network: the only module that imports onnxruntime."""

import os
from typing import Any, Final

# onnxruntime reads it when it is first imported, and would otherwise report usage to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.model.errors import BundleError, InferenceError
from service.model.outputs import OUTPUTS, PROBABILITIES, TOPIC_PROBABILITIES

EXTERNAL_FOLDER: Final = "session.model_external_initializers_file_folder_path"


class Session:
    """A network on one CPU thread, safe to use from several threads.

    Parameters
    ----------
    network : bytes
        The ONNX model.
    tensors : dict of str to str
        Names of inputs and outputs, by role: ``token_ids``, ``token_counts``, ``probabilities``,
        and ``topic_probabilities`` where the network has this output.

    Raises
    ------
    BundleError
        If onnxruntime rejects the network, or it has other inputs or outputs.
    """

    def __init__(self, network: bytes, tensors: dict[str, str]) -> None:
        self._session = _open(network)
        _check_tensors(self._session, tensors)
        self._ids_name, self._counts_name = tensors["token_ids"], tensors["token_counts"]
        self._outputs: dict[str, list[str]] = {
            role: [tensors[role]] for role in OUTPUTS if role in tensors
        }
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True  # does not compute the other output

    def run(
        self,
        token_ids: NDArray[np.int64],
        token_counts: NDArray[np.float32],
        output: str = PROBABILITIES,
    ) -> NDArray[np.float32]:
        """Run the network once.

        Parameters
        ----------
        token_ids : int64 array of shape (n_texts, length), or (1, length) if texts share them
        token_counts : float32 array of shape (n_texts, length)
            A token with count 0 has no effect.
        output : str
            `PROBABILITIES` or `TOPIC_PROBABILITIES`.

        Returns
        -------
        float32 array of shape (n_texts, n_outputs), or (n_texts, n_topics)

        Raises
        ------
        InferenceError
            If onnxruntime fails. Names only the class of its error: its message may quote the text.
        """
        inputs = {self._ids_name: token_ids, self._counts_name: token_counts}
        probabilities: NDArray[np.float32]
        try:
            (probabilities,) = self._session.run(self._outputs[output], inputs, self._run_options)
        except Exception as error:  # onnxruntime's errors have no common base but Exception
            raise InferenceError(f"onnxruntime failed with {type(error).__name__}") from error
        return probabilities


def _open(network: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena never shrinks, and grows with every new shape
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # no weights from other files, which no hash covers: there is no such folder
    options.add_session_config_entry(EXTERNAL_FOLDER, os.devnull)
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.log_severity_level = 4  # its errors are exceptions, which the service logs
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base but Exception
        reason = " ".join(str(error).split())
        raise BundleError(f"model.onnx: onnxruntime rejects it: {reason}") from error


def _check_tensors(session: Any, tensors: dict[str, str]) -> None:
    expected = {
        "token_ids": "tensor(int64)",
        "token_counts": "tensor(float)",
        "probabilities": "tensor(float)",
    }
    if TOPIC_PROBABILITIES in tensors:
        expected[TOPIC_PROBABILITIES] = "tensor(float)"
    present = {node.name: node.type for node in (*session.get_inputs(), *session.get_outputs())}
    actual = {role: present.get(name, "absent") for role, name in tensors.items()}
    if actual != expected or sorted(tensors.values()) != sorted(present):
        raise BundleError(f"model.onnx: expected tensors {expected}, got {actual} of {present}")
