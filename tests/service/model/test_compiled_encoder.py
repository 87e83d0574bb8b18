"""The encoder in C, against the one in Python."""

import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import compile_encoder, field_encoder, load_bundle
from service.model.bundle import ENCODERS
from service.model.compile_encoder import library_path
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
    *(
        "٣٤٥٦",
        "0000",
        "0000's",
        "٣٤'s",
        "Ölpreise",
        "ÖLPREISE",
        "'rose'",
        "rose''s",
        "it\u2019s",
        "\u2019",
    ),
    *(
        "&",
        "#",
        "&#39;",
        "company #39;s",
        "quot;",
        "amp;",
        "lt;",
        "&amp;",
        "&amp;#36;",
        "profit amp; loss",
    ),
    *("\n", "\r", "\r\n", "\u2028", "\x85", "\0", "\x1c", "\ud800", "'", "'s", "-", ";"),
    *("to", "x" * 40, "x" * 42, "é" * 9),
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
    assert load_library() is not None, "expected the encoder in C: make compile"


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
    vocabulary = {
        token: FIRST_WORD_ID + rank for rank, token in enumerate(["a", "title:a", "lead:a"])
    }
    encoder = FieldEncoder(vocabulary)._compiled
    assert isinstance(encoder, CompiledEncoder)
    library = encoder._library.holding_gil
    utf8 = title.encode(), text.encode()
    n_bytes = library.work_bytes(sum(map(len, utf8)))
    work = np.full(n_bytes + 64, 0xAA, dtype=np.uint8)
    parts = (utf8[0], len(utf8[0]), utf8[1], len(utf8[1]))
    library.encode(encoder._pointer, *parts, 1, work.ctypes.data)
    assert (work[n_bytes:] == 0xAA).all()


def test_threads() -> None:
    """Each has its own memory; long texts are encoded at the same time."""
    lengths = [50, 5_000]
    many = [
        " ".join(KNOWN[: 1 + number % len(KNOWN)]) * lengths[number % 2] for number in range(200)
    ]
    assert len(many[-1]) > KEPT_BYTES
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


def test_words_that_begin_alike_are_found_as_fast_as_others() -> None:
    """They would all be in one place if only their first bytes were hashed."""
    words = [f"{'x' * 16}{number:05}" for number in range(20_000)]
    encoder = FieldEncoder({word: FIRST_WORD_ID + rank for rank, word in enumerate(words)})
    compiled = encoder._compiled
    assert compiled is not None
    begin = -compiled._slots.ctypes.data % 64
    n_slots = compiled._vocabulary.mask + 1
    slots = compiled._slots[begin : begin + 32 * n_slots].view(np.uint32).reshape(n_slots, 8)
    taken = (slots[:, 5] > 0).astype(np.int8)  # the ids
    runs = np.diff(np.flatnonzero(np.diff(taken, prepend=0, append=0)))[::2]
    assert runs.max() < 1_000
    check(encoder, " ".join(words))


def test_pickled() -> None:
    again = pickle.loads(pickle.dumps(NEWS))  # noqa: S301
    assert isinstance(again, NewsEncoder)
    check(again, "Oil rose to 1987 dlrs")


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own for source, library and checksum."""
    name = compile_encoder.this_platform()
    files = (compile_encoder.SOURCE, library_path(name), compile_encoder.checksum_path(name))
    for file in files:
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(compile_encoder, "SOURCE", tmp_path / compile_encoder.SOURCE.name)
    return tmp_path


def test_what_fits_together_is_loaded(checkout: Path) -> None:
    assert library_path(compile_encoder.this_platform()).parent == checkout
    assert load_library.__wrapped__() is not None


@pytest.mark.parametrize("file", ["encoding.c", "library", "checksum"])
@pytest.mark.parametrize("change", ["missing", "empty", "truncated", "changed", "a folder"])
def test_what_does_not_fit_together_is_not_loaded(checkout: Path, file: str, change: str) -> None:
    name = compile_encoder.this_platform()
    paths = {
        "encoding.c": compile_encoder.SOURCE,
        "library": library_path(name),
        "checksum": compile_encoder.checksum_path(name),
    }
    path = paths[file]
    assert path.parent == checkout
    content = path.read_bytes()
    path.unlink()
    match change:
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "changed":
            path.write_bytes(content + b"\n")
        case "a folder":
            path.mkdir()
    assert load_library.__wrapped__() is None


def test_what_is_no_library_is_not_loaded(checkout: Path) -> None:
    name = compile_encoder.this_platform()
    library_path(name).write_bytes(b"text")
    compile_encoder.checksum_path(name).write_text(compile_encoder.checksum(b"text"))
    assert load_library.__wrapped__() is None


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_encoder, "load_library", lambda: None)
    encoder = NewsEncoder(VOCABULARY)
    assert (
        encoder.encode("Oil rose").token_ids.tolist() == NEWS.encode("Oil rose").token_ids.tolist()
    )


def test_platforms_without_a_compiler_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_encoder, "this_platform", lambda: "win32-AMD64")
    assert compile_encoder.main([]) == 0
    assert capsys.readouterr().out.startswith("win32-AMD64: the encoder in C is for linux-x86_64,")
