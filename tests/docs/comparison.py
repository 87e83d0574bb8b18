"""The figures of ``newswire compare``."""

from typing import Any, Final

from service.cli.comparison import Comparison
from service.model import NewsText
from tests.docs.markdown import block, code, table
from tests.docs.served_app import classifier

BOTH: Final = {
    "texts": "Number of compared texts.",
    "same_topic": "Texts for which both rank the same topic first.",
    "same_result": "Of these, texts with the same abstention, or none.",
    "agreement": "Share of the texts for which both rank the same topic first.",
    "both_abstain": "Texts with an abstention of both.",
    "moves": "Texts by the topics of A and B, where they differ; the most frequent first.",
    "labelled": "Texts that are labelled with a topic.",
    "labelled_no_topic": "Texts that are labelled with none of the topics.",
    "mcnemar": "McNemar's exact test: texts on which A or B alone is correct, and the p-value.",
}
EACH: Final = {
    "name": "Name of the model.",
    "version": "Version of the model.",
    "topics": "Number of topics.",
    "topics_of_this_alone": "Topics that the other model does not have.",
    "abstained": "Texts with an abstention.",
    "abstentions": "Texts with an abstention, by reason.",
    "accuracy": "Share of the texts with a topic whose prediction is correct.",
    "coverage": "Share of the texts with a topic that have no abstention.",
    "precision": "Share of correct predictions among those without an abstention, of all labelled "
    "texts: a topic for a text of none of the topics is wrong.",
    "labels_unknown": "Texts with labels that the model does not know.",
    "no_topic_abstained": "Texts with an abstention among those labelled with none of the topics.",
}


def table_of_figures() -> str:
    """Return the figures of both models together, and of each."""
    comparison = Comparison(classifier(), classifier())
    (found,) = classifier().classify([NewsText("Crude oil rose.")])
    comparison.count(found, found, labels=None)
    record: dict[str, Any] = comparison.to_json_object()
    rows = [(code(name), "both", BOTH[name]) for name in record if name not in ("a", "b")]
    rows += [(code(name), "each", EACH[name]) for name in record["a"]]
    return block(table(("figure", "models", "description"), rows))
