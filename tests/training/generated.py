"""Data sets of generated texts, of any number of topics, with and without negatives."""

from collections import Counter

import numpy as np

from service.model import Topic
from service.model.encoder import join_title
from service.model.token_counts import FIRST_WORD_ID, START_ID
from service.model.tokenization import KERAS_TOKENIZER
from training.data import Article, Dataset, Split

COMMON = [f"common{number}" for number in range(60)]
N_OWN_WORDS = 4
"""Words of a topic."""


def generated_dataset(
    n_topics: int,
    n_texts: int,
    n_negatives: int = 0,
    *,
    n_test: int | None = None,
    titles: bool = True,
    name: str = "desk",
) -> Dataset:
    """Texts of each topic in turn, of common words and of the topic's; the last are tested on.

    A few of the texts have words of another topic.
    """
    generator = np.random.default_rng(0)
    codes = [f"topic{number}" for number in range(n_topics)]

    def article(index: int, topic: int | None) -> Article:
        words = [COMMON[i] for i in generator.integers(len(COMMON), size=16)]
        if topic is not None:
            about = int(generator.integers(n_topics)) if generator.random() < 0.02 else topic
            own = generator.integers(N_OWN_WORDS, size=8)
            words = [*words[:8], *(f"word{about}x{number}" for number in own), *words[8:]]
        shuffled = generator.permutation(words).tolist()
        title = f"Title {shuffled[0]} {shuffled[1]}" if titles else ""
        body = f"{' '.join(shuffled)}. That was text {index} of 1999."
        topics = () if topic is None else (codes[topic],)
        return Article(
            title, body, has_body=True, keras_text=join_title(title, body), topics=topics
        )

    articles = [article(index, index % n_topics) for index in range(n_texts)]
    negatives = [article(index, None) for index in range(n_negatives)]
    words = [KERAS_TOKENIZER.tokenize(item.keras_text) for item in articles]
    frequencies = Counter(word for text in words for word in text)
    ranked = sorted(frequencies, key=lambda word: (-frequencies[word], word))
    vocabulary = {word: token_id for token_id, word in enumerate(ranked, FIRST_WORD_ID)}
    token_ids = [[START_ID, *(vocabulary[word] for word in text)] for text in words]
    labels = np.arange(n_texts) % n_topics
    everything = Split(token_ids, labels, codes, articles, negatives)
    cut = n_texts - (n_texts // 5 if n_test is None else n_test)
    negative_cut = n_negatives * 4 // 5
    train = everything.select(np.arange(cut), range(negative_cut))
    test = everything.select(np.arange(cut, n_texts), range(negative_cut, n_negatives))
    counts = np.bincount(train.labels, minlength=n_topics).tolist()
    topics = [
        Topic(index, code, f"Topic {index}", "all", f"Texts about {index}", counts[index])
        for index, code in enumerate(codes)
    ]
    description = "generated texts"
    return Dataset(name, description, "files", vocabulary, topics, 113, train, test)
