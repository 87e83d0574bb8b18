"""The encoder in C, against the one in Python."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import compile_encoder, compiled_encoder, load_bundle
from service.model.bundle import ENCODERS
from service.model.compiled_encoder import KEPT_BYTES, CompiledEncoder, load_library
from service.model.field_encoder import FieldEncoder, NewsEncoder
from service.model.token_counts import FIRST_WORD_ID
from tests.benchmarks.corpus import released_corpus
from tests.conftest import LATEST

KNOWN = [
    "oil",
    "rose",
    "to",
    "12",
    "dlrs",
    "opec",
    "ölpreise",
    "x" * 40,
    "x" * 41,
    "opec's",
    "1987",
]
TOKENS = [
    *("#1", "#2", "#4", "#8", *KNOWN),
    *("title:oil", "title:#4", "lead:oil", "lead:#2", "lead:dlrs", "title:rose"),
]
VOCABULARY = {token: FIRST_WORD_ID + rank for rank, token in enumerate(TOKENS)}
KERAS, NEWS = FieldEncoder(VOCABULARY), NewsEncoder(VOCABULARY)

STRANGE = [
    *("Oil", "OIL's", "OPEC's", "12", "4th", "1987", "12's", "123456789", "٣٤", "e\u0301lan"),
    *("Ölpreise", "ÖLPREISE", "'rose'", "rose''s", "it\u2019s", "\u2019", "&#39;", "company #39;s"),
    *(
        "quot;",
        "\n",
        "\r",
        "\r\n",
        "\u2028",
        "\x85",
        "\0",
        "\ud800",
        "to",
        "x" * 40,
        "x" * 42,
        "é" * 9,
    ),
    *("'", "'s", "-", ";"),
]
strange = st.text() | st.lists(st.sampled_from(STRANGE), max_size=60).map(" ".join)
joined = st.lists(st.sampled_from(STRANGE), max_size=60).map("".join)
texts = strange | joined


def check(encoder: FieldEncoder, text: str, title: str | None = None) -> None:
    encoded, expected = encoder.encode(text, title), encoder.encode_in_python(text, title)
    np.testing.assert_array_equal(encoded.token_ids, expected.token_ids, strict=True)
    np.testing.assert_array_equal(encoded.token_counts, expected.token_counts, strict=True)
    assert encoded[2:] == expected[2:]


def test_it_is_compiled() -> None:
    assert load_library() is not None, "expected service/model/_encoding.so: make compiles it"


@given(texts, st.none() | texts)
def test_any_text(text: str, title: str | None) -> None:
    check(KERAS, text, title)
    check(NEWS, text, title)


@given(
    st.sets(st.text("ab9'é", min_size=1, max_size=20), max_size=60),
    st.lists(st.text("ab9'é", max_size=20), max_size=60),
)
def test_any_vocabulary(words: set[str], others: list[str]) -> None:
    """Also with words that begin with the same bytes, and are longer than a key."""
    known = sorted(words | {f"{word:a<16}{end}" for word in words for end in ("", "b", "bb")})
    encoder = FieldEncoder({word: FIRST_WORD_ID + rank for rank, word in enumerate(known)})
    check(encoder, " ".join([*known, *others]))


@pytest.mark.parametrize("title", [None, "", "...", "Oil", "a " * 30])
def test_texts_of_the_released_vocabulary(title: str | None) -> None:
    bundle = load_bundle(LATEST)
    encoder = ENCODERS[bundle.manifest.tokenizer](bundle.vocabulary)
    assert isinstance(encoder, FieldEncoder)
    for text in released_corpus()[:500]:
        check(encoder, text.text, title or text.title)
    check(encoder, "\n".join(word for word in bundle.vocabulary if ":" not in word), title)


@pytest.mark.parametrize("n_bytes", [KEPT_BYTES - 5, KEPT_BYTES - 4, KEPT_BYTES, 10 * KEPT_BYTES])
def test_long_texts(n_bytes: int) -> None:
    """Up to the memory that a thread keeps, and beyond; with a token in each second byte."""
    check(NEWS, "a " * (n_bytes // 2), "oil\n")
    check(NEWS, "oil " * (n_bytes // 4), None)
    check(NEWS, "x" * n_bytes)


@given(st.text("a 'é\n", max_size=40), st.text("a 'é\n", max_size=40))
def test_memory(title: str, text: str) -> None:
    """All tokens of the shortest words fit the memory, and nothing behind it is written."""
    library = load_library()
    vocabulary = {
        token: FIRST_WORD_ID + rank for rank, token in enumerate(["a", "title:a", "lead:a"])
    }
    encoder = FieldEncoder(vocabulary)._compiled
    assert isinstance(encoder, CompiledEncoder)
    utf8 = title.encode(), text.encode()
    n_bytes = library.work_bytes(sum(map(len, utf8)))
    work = np.full(n_bytes + 64, 0xAA, dtype=np.uint8)
    library.encode(
        encoder._pointer,
        utf8[0],
        len(utf8[0]),
        utf8[1],
        len(utf8[1]),
        len(utf8[1]) // 2,
        work.ctypes.data,
    )
    assert (work[n_bytes:] == 0xAA).all()


def test_threads() -> None:
    """Each has its own memory."""
    many = [" ".join(KNOWN[: 1 + number % len(KNOWN)]) * 50 for number in range(400)]
    expected = [NEWS.encode_in_python(text).token_counts.tolist() for text in many]
    with ThreadPoolExecutor(4) as pool:
        found = [encoded.token_counts.tolist() for encoded in pool.map(NEWS.encode, many)]
    assert found == expected


def test_results_are_kept() -> None:
    """They are no views of the memory, which the next text overwrites."""
    encoded = NEWS.encode("oil rose")
    before = encoded.token_ids.tolist()
    NEWS.encode("12 dlrs opec")
    assert encoded.token_ids.tolist() == before


@pytest.mark.parametrize("case", ["missing", "no library", "of another source", "empty"])
def test_a_library_that_does_not_fit_is_not_used(
    case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = tmp_path / "_encoding.so"
    if case == "of another source":
        monkeypatch.setattr(compiled_encoder, "source_sha256", lambda: "0" * 64)
    else:
        monkeypatch.setattr(compiled_encoder, "LIBRARY", library)
    if case in ("no library", "empty"):
        library.write_bytes(b"text" if case == "no library" else b"")
    assert load_library() is None
    encoder = NewsEncoder(VOCABULARY)
    assert (
        encoder.encode("Oil rose").token_ids.tolist() == NEWS.encode("Oil rose").token_ids.tolist()
    )


def test_the_hash_is_of_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = tmp_path / "encoding.c"
    changed.write_bytes(compile_encoder.SOURCE.read_bytes() + b"\n")
    monkeypatch.setattr(compile_encoder, "SOURCE", changed)
    assert load_library() is None
