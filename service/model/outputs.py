"""The outputs of a network, by role."""

from typing import Final

PROBABILITIES: Final = "probabilities"
"""Probabilities of the topics and of "no topic fits", which sum to 1."""
TOPIC_PROBABILITIES: Final = "topic_probabilities"
"""Probability of each topic on its own: a text can have several topics, or none."""
OUTPUTS: Final = (PROBABILITIES, TOPIC_PROBABILITIES)
