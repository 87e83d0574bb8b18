"""What can go wrong with a model, in words; none of it knows HTTP.

NewswireError
├── BundleError      a bundle is missing, incomplete, altered or contradicts its own proof
└── InferenceError   the network failed, or gave something that is not a probability
"""


class NewswireError(Exception):
    """Base of every error that this project raises on purpose; its text is one clear line."""


class BundleError(NewswireError):
    """A model bundle is missing, incomplete, altered or contradicts its own proof."""


class InferenceError(NewswireError):
    """The network failed, or gave no probability distribution over the topics."""
