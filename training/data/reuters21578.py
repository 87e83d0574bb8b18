"""The ``reuters21578`` source: the original corpus, with its text, read as Keras read it.

Newswires, labels and words are the same, but for the order of equally frequent words. Two errors
are repeated: an article without a body gets that of the next article that has one, and where no
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

from service.model.token_counts import START_ID
from service.model.tokenization import KERAS_TOKENIZER
from training.data.dataset import Article, DataError, Split, labels_of
from training.data.text_table import make_vocabulary

ARCHIVE: Final = "reuters21578.tar.gz"
MAX_FILE_BYTES: Final = 2 * 2**20  # the longest file of the corpus has 1.5 MB
MAX_UNPACKED_BYTES: Final = 64 * 2**20  # the whole archive unpacks to 28 MB
EXPECTED: Final = (
    f"expected the Reuters-21578 corpus: its {ARCHIVE}, or a folder of its 22 .sgm files "
    "(leave out --data-dir to download it)"
)
INDEXED: Final = 'TOPICS="YES"'
MIN_NEWSWIRES: Final = 15  # a topic with fewer articles is left out

_TOPICS: Final = re.compile(r"<TOPICS>(.*?)</TOPICS>")
_TOPIC: Final = re.compile(r"<D>(.*?)</D>")
_BODY: Final = "<BODY>"
_TITLE: Final = re.compile(r"<TITLE>(.*?)</TITLE>", re.DOTALL)
_OWN_BODY: Final = re.compile(r"<BODY>(.*?)</BODY>", re.DOTALL)
_TEXT: Final = re.compile(r"<TEXT.*?>(.*?)</TEXT>", re.DOTALL)
_NOT_TEXT: Final = re.compile(
    r"<(TITLE|AUTHOR|DATELINE)>.*?</\1>|&#\d+;|^\s*\*+|Blah blah blah\.", re.DOTALL | re.MULTILINE
)
"""Other elements, control characters, a brief's stars, and the placeholder of a missing body."""


def read_corpus(path: Path) -> tuple[dict[str, int], Split]:
    """Return the word index and all newswires, from the archive, or a folder with it or its files.

    Raises `DataError`.
    """
    indexed = [article for text in read_files(path) for _, article in read_articles(text)]
    negatives = [article for article in indexed if not article.topics]
    counts = Counter(article.topics[0] for article in indexed if article.topics)
    kept = {code for code, n_articles in counts.items() if n_articles >= MIN_NEWSWIRES}
    articles = [article for article in indexed if kept.intersection(article.topics[:1])]
    codes = list(dict.fromkeys(article.topics[0] for article in articles))  # by first appearance
    labels = labels_of((article.topics for article in articles), codes)
    words = [KERAS_TOKENIZER.tokenize(article.keras_text) for article in articles]
    vocabulary = make_vocabulary(Counter(chain.from_iterable(words)))
    token_ids = [[START_ID, *(vocabulary[word] for word in newswire)] for newswire in words]
    return vocabulary, Split(token_ids, labels, codes, articles, negatives)


def read_articles(text: str) -> Iterator[tuple[str, Article]]:
    """Yield the opening tag and the article of each newswire that has topics or was indexed.

    ``TOPICS="YES"`` marks those that were indexed. Others without a topic may lack one that fits.
    Raises `DataError`.
    """
    for match in _TOPICS.finditer(text):
        topics = tuple(_TOPIC.findall(match[1]))
        start = text.rindex("<REUTERS", 0, match.start())
        tag = text[start : text.index(">", start)]
        if not topics and (match[1] or INDEXED not in tag):
            continue
        body_start = text.find(_BODY, match.end()) + len(_BODY)
        markup = text[match.end() : text.index("</REUTERS>", match.end())]
        title, own_body = _TITLE.search(markup), _OWN_BODY.search(markup)
        inner = own_body or _TEXT.search(markup)
        if inner is None:
            raise DataError(f"reuters21578: expected an article with <TEXT>, got {markup[:80]!r}")
        article = Article(
            title=html.unescape(title[1]).strip() if title else "",
            body=html.unescape(_NOT_TEXT.sub("", inner[1])).strip(),
            has_body=own_body is not None,
            keras_text=text[body_start : text.index("</", body_start)] if topics else "",
            topics=topics,
        )
        yield tag, article


def check_corpus(path: Path) -> None:
    """Raise `DataError` if a file of an archive or folder is missing, truncated or altered."""
    for _ in read_files(path):
        pass


def read_files(path: Path) -> Iterator[str]:
    """Yield the text of each file of the corpus in name order, checked against its hash.

    Raises `DataError`.
    """
    listing = files("training.data").joinpath("reuters21578.sha256").read_text()
    known = {name: sha256 for sha256, name in (line.split() for line in listing.splitlines())}
    unpacked = [path / name for name in known if (path / name).exists()]
    try:
        contents = {item.name: _read_bounded(item.open("rb"), str(item)) for item in unpacked}
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error
    contents = contents or _read_archive(path, known)
    for name in sorted(known):
        if name not in contents:
            raise DataError(f"{path}: {name} is missing; {EXPECTED}")
        if hashlib.sha256(contents[name]).hexdigest() != known[name]:
            raise DataError(f"{path}: {name} is truncated or altered; {EXPECTED}")
        yield contents[name].decode("latin-1")


def _read_archive(path: Path, known: Collection[str]) -> dict[str, bytes]:
    """Read the known files of an archive; at most `MAX_UNPACKED_BYTES` are unpacked."""
    archive = path / ARCHIVE if path.is_dir() else path
    contents: dict[str, bytes] = {}
    try:
        with gzip.open(archive) as stream:
            unpacked = stream.read(MAX_UNPACKED_BYTES + 1)
        if len(unpacked) > MAX_UNPACKED_BYTES:
            raise ValueError(f"unpacks to over {MAX_UNPACKED_BYTES:,} bytes")  # noqa: TRY301
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as tar:
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


def _read_bounded(file: IO[bytes], name: str) -> bytes:
    with file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"{name} is longer than {MAX_FILE_BYTES:,} bytes; {EXPECTED}")
    return content
