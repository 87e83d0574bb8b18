"""Limits of a request, and checks against them."""

from dataclasses import dataclass
from typing import Final

from service.api.errors import FieldProblem, InvalidRequestError, TooLargeError
from service.api.schemas import BatchItem, RankingOptions
from service.model import describe_blank, is_blank
from service.model.tokenization import NEWS_TOKENIZER

MAX_UTF8_BYTES: Final = 4
"""Bytes of the longest UTF-8 encoding of a character."""
MAX_RANKED_TOPICS: Final = 2**15
"""Ranked topics of all texts of a request together: each takes some 500 bytes of memory. As many
may be in the ``all_topics`` of the texts."""

NOT_ALL_TOPICS: Final = (
    "Expected false or no all_topics: the model has no output topic_probabilities. Leave it out, "
    "or serve a bundle with all_topics_thresholds in GET /model, as the recipe linear trains it"
)
NO_SUBJECTS: Final = (
    "Expected false or no subjects: no topic of the model has any in GET /topics. Leave it out, or "
    "serve a bundle whose topics have subjects"
)


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits of a request: those of the settings, and those of the served model."""

    max_text_bytes: int
    """Bytes of a text and its title together, in UTF-8; a body may be as long as one such text."""
    max_text_words: int
    """Words of a text and its title together."""
    max_batch_size: int
    max_explained_words: int
    """Words in all texts of a request with explanations, whose time grows with the square."""
    max_top_k: int
    """Number of topics of the model."""
    finds_all_topics: bool = False
    has_subjects: bool = False

    def resolve_options(self, options: RankingOptions, *, n_texts: int = 1) -> None:
        """Limit the default of top_k to the number of topics, and check the other options.

        Raises
        ------
        InvalidRequestError
            If more topics are requested than there are, or than ``MAX_RANKED_TOPICS`` in all; or
            all_topics or subjects of a model that does not have them.
        """
        if options.all_topics and not self.finds_all_topics:
            raise InvalidRequestError.of("all_topics", NOT_ALL_TOPICS)
        if options.subjects and not self.has_subjects:
            raise InvalidRequestError.of("subjects", NO_SUBJECTS)
        if "top_k" not in options.model_fields_set:
            options.top_k = min(options.top_k, self.max_top_k)
            return
        message = ""
        if options.top_k > self.max_top_k:
            message = f"Input should be less than or equal to {self.max_top_k}"
        elif options.top_k * n_texts > MAX_RANKED_TOPICS:
            highest = MAX_RANKED_TOPICS // n_texts
            message = f"Input should be less than or equal to {highest} for {n_texts} texts"
        if message:
            raise InvalidRequestError.of("top_k", message)

    def check_text(self, item: BatchItem) -> None:
        """Check that a text is not blank, and within the limits.

        Raises
        ------
        InvalidRequestError, TooLargeError
            As `service.api.parsing.parse_classify_request`.
        """
        text, title = item.text or "", item.title or ""
        if is_blank(text, title):
            message = describe_blank(item.text, item.title).capitalize()
            fields = [*BatchItem.model_fields]
            raise InvalidRequestError([FieldProblem(field=f, message=message) for f in fields])
        n_characters = len(text) + len(title)
        if (
            n_characters * MAX_UTF8_BYTES > self.max_text_bytes
            and len(text.encode()) + len(title.encode()) > self.max_text_bytes
        ):
            raise self.too_large()
        if n_characters <= self.max_text_words:
            return  # a word has at least one character
        n_words = sum(len(NEWS_TOKENIZER.tokenize(part)) for part in (text, title))
        if n_words > self.max_text_words:
            raise TooLargeError(f"Expected at most {self.max_text_words} words, title included.")

    def too_large(self) -> TooLargeError:
        """Return the error of a text over the limit of bytes."""
        return TooLargeError(
            f"Expected at most {self.max_text_bytes} bytes of text, title included, in UTF-8."
        )
