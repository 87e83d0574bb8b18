"""Any text to token ids, by every encoder: nothing is raised, and the counts add up."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Final

from service.model import NewsText
from service.model.encoder import TextEncoder
from service.model.explanation import locate_words
from service.model.field_encoder import FieldEncoder, NewsEncoder
from service.model.token_counts import START_ID, UNKNOWN_ID
from service.model.tokenization import Tokenizer
from tests.fuzzing.mutation import CHARACTERS, insert

WORDS: Final = ("oil", "rose", "opec's", "öl", "石油", "1987", "#1", "#4")
VOCABULARY: Final = {word: number for number, word in enumerate(WORDS, start=4)}
FIELDS: Final = {
    f"{field}:{word}": number
    for number, (field, word) in enumerate(
        ((field, word) for field in ("title", "lead") for word in WORDS), start=100
    )
}
NUMBERS_FIRST: Final = {
    word: number
    for number, word in enumerate(sorted(VOCABULARY, key=lambda word: word[0] != "#"), start=4)
}
ENCODERS: Final = (
    TextEncoder(VOCABULARY),
    FieldEncoder(VOCABULARY | FIELDS),
    NewsEncoder(NUMBERS_FIRST | FIELDS),
)
IDS: Final = {START_ID, UNKNOWN_ID, *VOCABULARY.values(), *FIELDS.values()}
TITLE_END: Final = b"\0"


def seeds() -> Iterator[bytes]:
    """Return texts with quotes, numbers, invisible characters and several scripts."""
    yield b"OPEC's oil rose 1987 #1\n12 dlrs, 3.5 mln"
    yield "“Öl” rose: OPEC’s\u00ad ’87 \u200b石油 İSTANBUL ß ﬁ ٣٤".encode()
    yield b"Oil rose" + TITLE_END + b"word " * 45 + b"oil"
    yield b"word " * 30 + b"\nrose oil \xed\xa0\x80 \xff"


def check(data: bytes) -> None:
    """Encode a text, with a title before the first NUL if there is one."""
    text = read(data)
    for encoder in ENCODERS:
        placed = locate_words(text, encoder.tokenizer)
        for content in (text.title or "", text.text):
            check_words(encoder.tokenizer, content)
        n_words = check_encoding(encoder, text)
        if n_words != len(placed):
            raise AssertionError(f"{encoder.name}: {n_words} words, {len(placed)} places")


def mutate(data: bytes, random: Random) -> bytes:
    """Put a character of another kind somewhere, or a word."""
    return insert(data, [*CHARACTERS, *(word.encode() for word in WORDS)], random)


def read(data: bytes) -> NewsText:
    """Make a text of any bytes: those that are not UTF-8 become lone surrogates."""
    before, end, after = data.partition(TITLE_END)
    title = before.decode(errors="surrogateescape") if end else None
    return NewsText((after if end else before).decode(errors="surrogateescape"), title)


def check_words(tokenizer: Tokenizer, text: str) -> None:
    """Check that token spans are the tokens."""
    found = [tokenizer.tokenize(text[start:end]) for start, end in tokenizer.token_spans(text)]
    words = tokenizer.tokenize(text)
    if found != [[word] for word in words]:
        raise AssertionError(f"found {found}, split {words}")


def check_encoding(encoder: TextEncoder, text: NewsText) -> int:
    """Check encoded text against `token_ids`; return the number of words."""
    tokens = encoder.token_ids(text.text, text.title)
    encoded = encoder.encode(text.text, text.title)
    ids, counts = encoded.token_ids.tolist(), encoded.token_counts.tolist()
    if tokens[0] != START_ID or ids[0] != START_ID or not set(ids) <= IDS:
        raise AssertionError(f"{encoder.name}: expected the start and known ids, got {ids}")
    if len(set(ids)) < len(ids) or Counter(tokens) != dict(zip(ids, counts, strict=True)):
        raise AssertionError(f"{encoder.name}: {tokens} counted as {ids}, {counts}")
    n_unknown = tokens.count(UNKNOWN_ID)
    n_others = encoded.n_words - encoded.n_known_words - encoded.n_numbers
    if n_others != n_unknown or encoded.n_known_words < 0:
        raise AssertionError(f"{encoder.name}: {encoded.n_words} words, {n_unknown} unknown")
    changes = encoder.token_changes(text.text, text.title)
    if len(changes) != encoded.n_words:
        raise AssertionError(f"{encoder.name}: {len(changes)} changes, {encoded.n_words} words")
    return encoded.n_words
