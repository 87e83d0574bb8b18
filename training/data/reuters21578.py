"""The ``reuters21578`` source: the original corpus, with its text.

Read as Keras read it, which was established by rebuilding its data set: all newswires and labels
are the same, and all words but for the order of equally frequent ones. Two errors of Keras are
repeated: an article without a body gets the body of the next article that has one, and where no
such article follows in its file, `str.find` returns -1 and the text is that from the file's start.
"""

import gzip
import hashlib
import html
import io
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from importlib.resources import files
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import IO, Final

import numpy as np

from service.model.encoder import FIRST_WORD_ID
from service.model.tokenization import KERAS_TOKENIZER
from training.data.dataset import Article, Newswires
from training.data.reuters_expected import DESCRIPTION, NAME
from training.data.reuters_topics import describe_topics
from training.errors import DataError

SOURCE: Final = "reuters21578"
ARCHIVE: Final = "reuters21578.tar.gz"
MAX_FILE_BYTES: Final = 2 * 2**20
"""The longest file of the corpus has 1.5 MB."""
MAX_UNPACKED_BYTES: Final = 64 * 2**20
"""The whole archive unpacks to 28 MB."""
EXPECTED: Final = (
    f"expected the Reuters-21578 corpus: its {ARCHIVE}, or a folder of its 22 .sgm files "
    "(leave out --data-dir to download it)"
)
MIN_NEWSWIRES: Final = 15
"""A topic with fewer articles is left out."""

_TOPICS: Final = re.compile(r"<TOPICS>(.*?)</TOPICS>")
_TOPIC: Final = re.compile(r"<D>(.*?)</D>")
_INDEXED: Final = re.compile(r'<REUTERS TOPICS="YES".*?>(.*?)</REUTERS>', re.DOTALL)
_BODY: Final = "<BODY>"
_TITLE: Final = re.compile(r"<TITLE>(.*?)</TITLE>", re.DOTALL)
_OWN_BODY: Final = re.compile(r"<BODY>(.*?)</BODY>", re.DOTALL)
_TEXT: Final = re.compile(r"<TEXT.*?>(.*?)</TEXT>", re.DOTALL)
_NOT_TEXT: Final = re.compile(
    r"<(TITLE|AUTHOR|DATELINE)>.*?</\1>|&#\d+;|^\s*\*+|Blah blah blah\.", re.DOTALL | re.MULTILINE
)
"""Other elements, control characters, a brief's stars, and what stands for a body left out."""


def read_corpus(path: Path) -> Newswires:
    """Read the corpus from its archive, or from a folder that has the archive or its files.

    Raises
    ------
    DataError
        If a file is missing, truncated or altered.
    """
    labelled: list[Article] = []
    negatives: list[Article] = []
    for text in _read_files(path):
        labelled += _labelled_articles(text)
        negatives += _negatives(text)
    counts = Counter(article.topics[0] for article in labelled)
    articles = [article for article in labelled if counts[article.topics[0]] >= MIN_NEWSWIRES]
    codes = dict.fromkeys(article.topics[0] for article in articles)  # by first appearance
    class_index = {code: index for index, code in enumerate(codes)}
    labels = np.array([class_index[article.topics[0]] for article in articles], dtype=np.int64)
    topics = describe_topics(codes)
    words = [KERAS_TOKENIZER.tokenize(article.keras_text) for article in articles]
    vocabulary = _rank_words(words)
    ids = [[vocabulary[word] for word in newswire] for newswire in words]
    return Newswires(
        NAME, DESCRIPTION, SOURCE, vocabulary, ids, labels, topics, articles, negatives
    )


def _rank_words(words: list[list[str]]) -> dict[str, int]:
    """Return ids by falling frequency; equally frequent ones in alphabetical order."""
    counts = Counter(chain.from_iterable(words))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: FIRST_WORD_ID + rank for rank, word in enumerate(ranked)}


def _labelled_articles(text: str) -> Iterator[Article]:
    """Yield each article in a file that has topics."""
    for match in _TOPICS.finditer(text):
        topics = tuple(_TOPIC.findall(match[1]))
        if topics:
            end = text.index("</REUTERS>", match.end())
            body_start = text.find(_BODY, match.end()) + len(_BODY)
            keras_text = text[body_start : text.index("</", body_start)]
            yield _article(topics, text[match.end() : end], keras_text)


def _negatives(text: str) -> Iterator[Article]:
    """Yield each article in a file that was indexed and found to have no topic.

    ``TOPICS="YES"`` says that the article was indexed. Articles with ``TOPICS="NO"`` are left out:
    most of them were not indexed, and some should have a topic. So are those of ``BYPASS``.
    """
    for match in _INDEXED.finditer(text):
        topics = _TOPICS.search(match[1])
        if topics and not topics[1]:
            yield _article((), match[1][topics.end() :], "")


def _article(topics: tuple[str, ...], markup: str, keras_text: str) -> Article:
    title = _TITLE.search(markup)
    own_body = _OWN_BODY.search(markup)
    inner = own_body or _TEXT.search(markup)
    if inner is None:
        raise DataError(f"{SOURCE}: expected an article with <TEXT>, got {markup[:80]!r}")
    return Article(
        title=_plain(title[1]) if title else "",
        body=_plain(_NOT_TEXT.sub("", inner[1])),
        has_body=own_body is not None,
        keras_text=keras_text,
        topics=topics,
    )


def _plain(markup: str) -> str:
    return html.unescape(markup).strip()


def check_corpus(path: Path) -> None:
    """Check that an archive or folder holds the corpus, by the hash of each file.

    Raises
    ------
    DataError
        If a file is missing, truncated or altered.
    """
    for _ in _read_files(path):
        pass


def _read_files(path: Path) -> Iterator[str]:
    """Yield the text of each file of the corpus in name order, checked against its hash."""
    listing = files("training.data").joinpath("reuters21578.sha256").read_text()
    known = {name: sha256 for sha256, name in (line.split() for line in listing.splitlines())}
    unpacked = _is_unpacked(path, known)
    contents = _read_folder(path, known) if unpacked else _read_archive(path, known)
    for name in sorted(known):
        if name not in contents:
            raise DataError(f"{path}: {name} is missing; {EXPECTED}")
        if hashlib.sha256(contents[name]).hexdigest() != known[name]:
            raise DataError(f"{path}: {name} is truncated or altered; {EXPECTED}")
        yield contents[name].decode("latin-1")


def _is_unpacked(path: Path, known: Collection[str]) -> bool:
    return path.is_dir() and any((path / name).exists() for name in known)


def _read_folder(path: Path, known: Collection[str]) -> dict[str, bytes]:
    try:
        return {
            name: _read_bounded((path / name).open("rb"), str(path / name))
            for name in known
            if (path / name).exists()
        }
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error


def _read_archive(path: Path, known: Collection[str]) -> dict[str, bytes]:
    """Read the known files of an archive; at most `MAX_UNPACKED_BYTES` are unpacked."""
    archive = path / ARCHIVE if path.is_dir() else path
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_unzip(archive)), mode="r:") as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                # links are skipped: they could point outside the archive, or to themselves
                if name in known and member.isreg() and (file := tar.extractfile(member)):
                    contents[name] = _read_bounded(file, f"{archive}: {name}")
    except FileNotFoundError as error:
        raise DataError(
            f"{archive}: not found; put the Reuters-21578 archive or its .sgm files "
            "there, or leave out --data-dir to download it"
        ) from error
    except (OSError, EOFError, ValueError, RecursionError, tarfile.TarError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{archive}: truncated or altered archive ({reason}); {EXPECTED}"
        ) from error
    return contents


def _unzip(archive: Path) -> bytes:
    with gzip.open(archive) as stream:
        unpacked = stream.read(MAX_UNPACKED_BYTES + 1)
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise ValueError(f"unpacks to over {MAX_UNPACKED_BYTES:,} bytes")
    return unpacked


def _read_bounded(file: IO[bytes], name: str) -> bytes:
    with file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"{name} is longer than {MAX_FILE_BYTES:,} bytes; {EXPECTED}")
    return content
