"""Bundles and classification. No web framework, no TensorFlow."""

from service.model.abstention import Abstention, AbstentionThresholds
from service.model.bundle import Bundle, load_bundle, save_bundle
from service.model.classifier import TopicClassifier
from service.model.drift import DriftBaseline
from service.model.encoder import NewsText, TextEncoder, describe_blank, is_blank
from service.model.errors import BundleError, InferenceError, NewswireError
from service.model.explanation import Explanation, WordEffect
from service.model.loading import build_classifier, load_classifier
from service.model.manifest import Golden, Manifest, Topic
from service.model.ranking import DEFAULT_TOP_K, Classification
from service.model.repository import default_model_dir, find_bundle
from service.model.token_counts import EncodedText

__all__ = [
    "DEFAULT_TOP_K",
    "Abstention",
    "AbstentionThresholds",
    "Bundle",
    "BundleError",
    "Classification",
    "DriftBaseline",
    "EncodedText",
    "Explanation",
    "Golden",
    "InferenceError",
    "Manifest",
    "NewsText",
    "NewswireError",
    "TextEncoder",
    "Topic",
    "TopicClassifier",
    "WordEffect",
    "build_classifier",
    "default_model_dir",
    "describe_blank",
    "find_bundle",
    "is_blank",
    "load_bundle",
    "load_classifier",
    "save_bundle",
]
