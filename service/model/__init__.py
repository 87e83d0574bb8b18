"""What a model is and how it answers. No web, no TensorFlow."""

from service.model.bundle import Bundle, find_bundle, load_bundle, save_bundle
from service.model.classifier import Classification, RankedTopic, TopicClassifier
from service.model.encoding import EncodedText, TextEncoder, with_title
from service.model.errors import BundleError, InferenceError, NewswireError
from service.model.manifest import Golden, Manifest, Topic

__all__ = [
    "Bundle",
    "BundleError",
    "Classification",
    "EncodedText",
    "Golden",
    "InferenceError",
    "Manifest",
    "NewswireError",
    "RankedTopic",
    "TextEncoder",
    "Topic",
    "TopicClassifier",
    "find_bundle",
    "load_bundle",
    "save_bundle",
    "with_title",
]
