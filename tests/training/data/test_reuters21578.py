import gzip
import io
import lzma
import re
import tarfile
import tracemalloc
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from training.data import Dataset, Source, load_dataset
from training.data.dataset import DataError
from training.data.reuters21578 import read_articles, read_corpus
from training.data.reuters_expected import TOPIC_CODES

ARTICLES = """<!DOCTYPE lewis SYSTEM "lewis.dtd">
<REUTERS NEWID="1"><TOPICS><D>tin</D><D>zinc</D></TOPICS>
<TEXT TYPE="BRIEF">******<TITLE>TIN &lt;TIN> UP
</TITLE>Blah blah blah.
&#3;
</TEXT></REUTERS>
<REUTERS NEWID="2"><TOPICS></TOPICS>
<TEXT><TITLE>NO TOPIC</TITLE><BODY>Somebody said &lt;something> &amp; left.&#3;</BODY></TEXT>
</REUTERS>
<REUTERS NEWID="3"><TOPICS><D>zinc</D></TOPICS>
<TEXT><TITLE>ZINC</TITLE><DATELINE>OSLO, May 1 - </DATELINE><BODY>Zinc rose.
 REUTER
&#3;</BODY></TEXT></REUTERS>
<REUTERS NEWID="4"><TOPICS><D>lead</D></TOPICS>
<TEXT TYPE="UNPROC">&#2;
LEAD PRICES
    Lead fell.
&#3;</TEXT></REUTERS>
"""


def test_keras_errors_are_repeated() -> None:
    brief, whole, unprocessed = (article for _, article in read_articles(ARTICLES))
    article = brief
    assert article.topics == ("tin", "zinc")
    assert article.title == "TIN <TIN> UP"
    assert article.body == ""
    assert not article.has_body
    assert article.keras_text == "Somebody said &lt;something> &amp; left.&#3;"  # the next body

    article = whole
    assert article.topics == ("zinc",)
    assert (article.title, article.body) == ("ZINC", "Zinc rose.\n REUTER")
    assert article.has_body
    assert article.keras_text == "Zinc rose.\n REUTER\n&#3;"

    article = unprocessed
    assert (article.topics, article.title) == (("lead",), "")
    assert article.body == "LEAD PRICES\n    Lead fell."
    assert article.keras_text.startswith('TYPE lewis SYSTEM "lewis.dtd">')  # the file's head


@pytest.mark.usefixtures("same_word_ids")
def test_both_sources_give_the_same_newswires(
    keras_dataset: Dataset, corpus_dataset: Dataset
) -> None:
    assert corpus_dataset.vocabulary == keras_dataset.vocabulary
    assert corpus_dataset.fingerprint() == keras_dataset.fingerprint()
    for ours, theirs in (
        (corpus_dataset.train, keras_dataset.train),
        (corpus_dataset.test, keras_dataset.test),
    ):
        assert ours.token_ids == theirs.token_ids
        assert (ours.labels == theirs.labels).all()


def test_articles_have_title_and_body(corpus_dataset: Dataset) -> None:
    train, test = corpus_dataset.train.articles, corpus_dataset.test.articles
    assert train is not None
    assert test is not None
    assert sum(not article.has_body for article in test) == 207
    for article in (*train, *test):
        text = article.title + article.body
        assert text.strip()
        assert "&lt;" not in text
        assert "Blah blah blah" not in text
        assert "\x03" not in text


@pytest.fixture(scope="module")
def unpacked(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    with tarfile.open(data_dir / "reuters21578.tar.gz") as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_a_folder_of_files_is_read_too(unpacked: Path, corpus_dataset: Dataset) -> None:
    dataset = load_dataset(Source.REUTERS21578, unpacked)
    assert dataset.fingerprint() == corpus_dataset.fingerprint()


def test_label_is_first_topic(corpus_dataset: Dataset) -> None:
    for split in (corpus_dataset.train, corpus_dataset.test):
        for article, label in zip(split.articles, split.labels, strict=True):
            assert article.topics[0] == TOPIC_CODES[label]


def test_files_are_in_date_order(data_dir: Path) -> None:
    """So that leaving them in their order is a chronological split."""
    by_date = load_dataset(Source.REUTERS21578, data_dir, split_seed=None)
    assert by_date.split_seed is None
    with tarfile.open(data_dir / "reuters21578.tar.gz") as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".sgm"))
        files = (tar.extractfile(name) for name in names)
        text = "".join(file.read().decode("latin-1") for file in files if file)
    dates = re.findall(r"<DATE>\s*(\d+-[A-Z]{3}-\d{4}).*?</DATE>\s*<TOPICS><D>", text)
    days = [datetime.strptime(date.title(), "%d-%b-%Y").date() for date in dates]
    assert all(later >= earlier - timedelta(days=1) for earlier, later in pairwise(days))


def test_missing_or_altered_file_is_named(unpacked: Path) -> None:
    file = unpacked / "reut2-020.sgm"
    content = file.read_bytes()
    try:
        file.write_bytes(content.replace(b"Reuter", b"Router", 1))
        with pytest.raises(DataError, match=r"reut2-020\.sgm is truncated or altered"):
            read_corpus(unpacked)
        file.unlink()
        with pytest.raises(DataError, match=r"reut2-020\.sgm is missing"):
            read_corpus(unpacked)
    finally:
        file.write_bytes(content)


def test_truncated_archive_is_named(data_dir: Path, tmp_path: Path) -> None:
    archive = tmp_path / "reuters21578.tar.gz"
    archive.write_bytes((data_dir / archive.name).read_bytes()[:1_000_000])
    with pytest.raises(
        DataError, match=r"truncated or altered archive .* expected the Reuters-21578 corpus"
    ):
        read_corpus(tmp_path)


def test_invalid_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "reuters21578.tar.gz").write_bytes(b"<html>moved</html>")
    with pytest.raises(DataError, match="truncated or altered archive") as caught:
        read_corpus(tmp_path)
    assert "\n" not in str(caught.value)


def test_corrupt_archive_is_named(data_dir: Path, tmp_path: Path) -> None:
    archive = tmp_path / "reuters21578.tar.gz"
    content = (data_dir / archive.name).read_bytes()
    archive.write_bytes(content[:5_000] + bytes(200) + content[5_200:])
    with pytest.raises(DataError, match="truncated or altered archive"):
        read_corpus(tmp_path)


def pack(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def link(kind: bytes, target: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo("reut2-000.sgm")
    member.type, member.linkname = kind, target
    return member, b""


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["reut2-000.sgm", "nowhere", "/etc/passwd", "../reut2-001.sgm"])
def test_archive_links_are_skipped(tmp_path: Path, kind: bytes, target: str) -> None:
    archive = pack(tmp_path / "a.tar.gz", link(kind, target))
    with pytest.raises(DataError, match=r"a\.tar\.gz: reut2-000\.sgm is missing; expected the"):
        read_corpus(archive)


@pytest.mark.parametrize("name", ["reut2-000.sgm", "another"])
def test_archive_is_unpacked_up_to_a_limit(tmp_path: Path, name: str) -> None:
    archive = pack(tmp_path / "a.tar.gz", (tarfile.TarInfo(name), bytes(200 * 2**20)))
    assert archive.stat().st_size < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="unpacks to over 67,108,864 bytes"):
            read_corpus(archive)
        assert tracemalloc.get_traced_memory()[1] < 150 * 2**20
    finally:
        tracemalloc.stop()


def test_files_are_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "reut2-000.sgm").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"reut2-000\.sgm is longer than 2,097,152 bytes"):
        read_corpus(tmp_path)
    archive = pack(tmp_path / "a.tar.gz", (tarfile.TarInfo("reut2-000.sgm"), bytes(3 * 2**20)))
    with pytest.raises(DataError, match=r"reut2-000\.sgm is longer than 2,097,152 bytes"):
        read_corpus(archive)


def nested_headers() -> bytes:
    """Headers each of which says that another one follows."""
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    return gzip.compress(header.tobuf() * 20_000)


@pytest.mark.parametrize(
    "content",
    [
        lzma.compress(b"an archive" * 99)[:-9] + bytes(9),
        lzma.compress(b"an archive" * 99),
        gzip.compress(b"an archive" * 99),
        nested_headers(),
        b"title,text\nGold,Gold rose.\n",
        b"",
    ],
    ids=["xz flipped", "xz", "no tar", "nested", "csv", "empty"],
)
def test_no_error_suggests_deleting_users_files(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(content)
    with pytest.raises(
        DataError, match=r"mine\.csv: .*expected the Reuters-21578 corpus"
    ) as caught:
        load_dataset(Source.REUTERS21578, file)
    assert "\n" not in str(caught.value)
    assert "delete" not in str(caught.value)


def test_folder_instead_of_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "reut2-000.sgm").mkdir()
    with pytest.raises(DataError, match=r"reut2-000\.sgm: cannot be read: Is a directory"):
        read_corpus(tmp_path)


def test_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not found; put the Reuters-21578 archive"):
        load_dataset(Source.REUTERS21578, tmp_path)
