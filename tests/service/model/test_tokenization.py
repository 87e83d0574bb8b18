from itertools import pairwise
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import tokenization
from service.model.tokenization import KERAS_TOKENIZER, NEWS_TOKENIZER, Tokenizer

WORDS = ["oil", "prices", "rose", "company's", "u", "s", "1987"]
KERAS_SEPARATORS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
KERAS_ALPHABET = st.characters(max_codepoint=126, min_codepoint=32) | st.sampled_from("\t\n")

known_words = st.lists(st.sampled_from(WORDS))


def split_as_keras(text: str) -> list[str]:
    """Keras' rule, one character after the other."""
    words, word = [], ""
    for character in text.lower() + " ":
        if character == " " or character in KERAS_SEPARATORS:
            words += [word] if word else []
            word = ""
        else:
            word += character
    return words


@given(st.text(KERAS_ALPHABET))
def test_splits_as_keras_does(text: str) -> None:
    assert KERAS_TOKENIZER.tokenize(text) == split_as_keras(text)


@given(st.lists(known_words), st.lists(st.sampled_from(" ,.!?;:()-\n\t"), min_size=1))
def test_separators_separate(groups: list[list[str]], separators: list[str]) -> None:
    between = "".join(separators)
    text = between.join(" ".join(group) for group in groups)
    for tokenizer in (KERAS_TOKENIZER, NEWS_TOKENIZER):
        assert tokenizer.tokenize(text) == [word for group in groups for word in group]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\r\n\x0b\u00a0\u3000", []),
        ("OIL prices", ["oil", "prices"]),
        ("oil/prices--rose...", ["oil", "prices", "rose"]),
        ("The company's u.s. unit", ["the", "company's", "u", "s", "unit"]),
        ("company’s “oil”—prices… rose", ["company's", "oil", "prices", "rose"]),
        ("the ‘oil price’ of companies’ rose", ["the", "oil", "price", "of", "companies", "rose"]),
        ("the “oil price’_ rose", ["the", "oil", "price", "rose"]),
        ("o\u00adil\u200b\ufeff", ["oil"]),
        ("line one\r\nline two", ["line", "one", "line", "two"]),
        ("日本 Ölpreis", ["日本", "ölpreis"]),
    ],
)
def test_tokenize(text: str, words: list[str]) -> None:
    for tokenizer in (KERAS_TOKENIZER, NEWS_TOKENIZER):
        assert tokenizer.tokenize(text) == words


PLAIN = "gold prices rise"


@pytest.mark.parametrize(
    "text",
    [
        "●Gold prices rise",
        "☕Gold prices rise 📈",
        "Gold™ prices® rise©",
        "Gold prices rise℠",
        "‘Gold’ “prices” «rise»",
        "„Gold“ ‚prices‘ ‹rise›",
        "'Gold' ''prices'' \"rise\"",
        "`Gold` ´prices´ 「rise」",
        "Ｇｏｌｄ　ｐｒｉｃｅｓ　ｒｉｓｅ",
        "𝐆𝐨𝐥𝐝 𝓹𝓻𝓲𝓬𝓮𝓼 𝕣𝕚𝕤𝕖",
        "Ⓖⓞⓛⓓ ᵖʳⁱᶜᵉˢ rise",
        "🅖🅞🅛🅓 🅿🆁🅸🅲🅴🆂 rise",
        "quot;Gold quot; prices quot;rise quot;",
        "\u202aGold\u202c pri\u00adces \u2067rise\u2069\ufeff",
        "G\u200bold\ufe0f prices\u200d \u2060rise\u034f",
        "Gold\x00prices\x1frise\x7f",
        "Gold\u2028prices\x85rise\r",
        "Gold\u00a0prices\u2009rise\u3000",
        "Gold–prices—rise…",
        "Gold‑prices−rise",
        "€Gold£prices¥rise₹",
        "Gold&nbsp;prices&#160;rise&hellip;",
        "&ldquo;Gold&rdquo; &amp; prices &lt;rise&gt;",
        "&amp;quot;Gold&amp;quot; prices &amp;#34;rise&amp;#x22;",
        "#34;Gold#34; prices #151; rise",
        "Gold 🏽prices\U0001f3fd rise\ud83d",
    ],
)
def test_typography_is_normalized(text: str) -> None:
    assert " ".join(NEWS_TOKENIZER.tokenize(text)) == PLAIN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("co\ufb00ee \ufb01rm", ["coffee", "firm"]),
        ("cafe\u0301 Ko\u0308ln", ["café", "köln"]),
        ("caf&eacute; #233;tat", ["café", "état"]),
        ("profit² dividend¹ CO₂", ["profit", "2", "dividend", "1", "co", "2"]),
        ("1️⃣ gold", ["1", "gold"]),
        ("rock 'n' roll", ["rock", "n", "roll"]),
        ("traders' profits, '87", ["traders", "profits", "87"]),
        ("coffee’s o´clock o′clock ‘tis", ["coffee's", "o'clock", "o'clock", "tis"]),
        ("a''b '' ' '", ["a", "b"]),
        ("AT&T, S&P 500; R&D; #1; M&A;", ["at", "t", "s", "p", "500", "r", "d", "1", "m", "a"]),
        ("the #36;10 mln; company#39;s", ["the", "10", "mln", "company's"]),
        ("company #39;s price #39;set #39;", ["company's", "price", "set"]),
        ("dividend❶ ⑩", ["dividend", "1", "10"]),
        ("&nosuchname; rose", ["nosuchname", "rose"]),
        ("£12 €3 ¥4 $5", ["12", "3", "4", "5"]),
    ],
)
def test_news_tokenizer(text: str, words: list[str]) -> None:
    assert NEWS_TOKENIZER.tokenize(text) == words


def test_keras_keeps_apostrophes_and_entities() -> None:
    text = "'Gold' traders' AT&amp;T 'n'"
    assert KERAS_TOKENIZER.tokenize(text) == ["'gold'", "traders'", "at", "amp", "t", "'n'"]


ODDITIES = (
    "’‘_“”«»'&;#\u00ad\u200b\ufeffʼéßÅïﬀ\u2028\x1c\xa0½²ᵃ①Ⓖ™\u0301\u0338İΣΑ\x00\ud83d\ufe0f\u20e3"
    "\u1100\u1161\u11a8"
)
PIECES = st.sampled_from(
    ["&amp;", "#39;", "&#36;", "&amp;#65;", "&eacute;", "65;", "amp;", " lt;", " quot;", "'", "a"]
)
TEXTS = st.text(st.characters() | st.sampled_from(ODDITIES)) | st.lists(
    PIECES | st.text(st.sampled_from(ODDITIES + ascii_letters), max_size=3)
).map("".join)


@pytest.mark.parametrize("tokenizer", [KERAS_TOKENIZER, NEWS_TOKENIZER])
@given(text=TEXTS)
def test_spans_match_the_words(tokenizer: Tokenizer, text: str) -> None:
    spans = tokenizer.token_spans(text)
    words = tokenizer.tokenize(text)
    assert [tokenizer.tokenize(text[start:end]) for start, end in spans] == [[w] for w in words]
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_span_of_a_word_is_its_original() -> None:
    text = "«Öl»: Peter’s ‘so\u00adcalled’ \u200bwells\u200b 'caf&eacute;' …"
    assert [text[start:end] for start, end in NEWS_TOKENIZER.token_spans(text)] == [
        "Öl",
        "Peter’s",
        "so\u00adcalled",
        "wells",
        "caf&eacute;",
    ]


def test_words_do_not_depend_on_their_neighbours() -> None:
    for tokenizer in (KERAS_TOKENIZER, NEWS_TOKENIZER):
        assert tokenizer.tokenize("ΟΔΟΣ") == ["οδος"]
        assert tokenizer.tokenize("ΟΔΟΣ.OIL") == ["οδος", "oil"]


def test_long_run_of_marks_is_not_composed() -> None:
    """Composing it would take minutes."""
    marks = "e" + "\u0301\u0316" * 200_000
    assert NEWS_TOKENIZER.tokenize(f"{marks} cafe\u0301") == [marks, "café"]


@pytest.mark.slow
def test_folding_cache_is_bounded() -> None:
    folding = tokenization._Folding()
    every_character = "".join(map(chr, range(0x110000)))
    assert len(every_character.translate(folding)) > 100_000
    assert len(folding) == tokenization._MAX_REMEMBERED
