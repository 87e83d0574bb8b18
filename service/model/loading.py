"""From a folder to a verified classifier: read, build, verify."""

from pathlib import Path

from service.model.bundle import Bundle, load_bundle
from service.model.classifier import TopicClassifier
from service.model.errors import BundleError
from service.model.repository import find_bundle
from service.model.verification import verify


def load_classifier(folder: str | Path, *, fingerprint: str | None = None) -> TopicClassifier:
    """Load the bundle at ``folder``, or the highest-numbered one in it, and verify it.

    A fingerprint of None accepts any bundle. Raises BundleError if there is none, or it is
    incomplete, altered or fails its golden cases.
    """
    path = find_bundle(Path(folder))
    bundle = load_bundle(path)
    if fingerprint not in (None, bundle.fingerprint):
        raise BundleError(f"{path}: expected fingerprint {fingerprint}, got {bundle.fingerprint}")
    if path.name.isdecimal() and path.name != bundle.manifest.version:
        raise BundleError(
            f"{path}: expected version {path.name!r} in the manifest, "
            f"got {bundle.manifest.version!r}"
        )
    try:
        return build_classifier(bundle)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def build_classifier(bundle: Bundle) -> TopicClassifier:
    """Build and verify the classifier of a bundle, or raise BundleError."""
    classifier = TopicClassifier(bundle)
    verify(classifier, bundle.goldens)
    return classifier
