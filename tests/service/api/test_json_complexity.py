import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api import json_complexity as structure
from service.api.json_complexity import exceeds_json_complexity
from service.api.routes.classify import INLINE_BYTES

SIGNS = st.text(alphabet='"\\\\,:[]{} \na\\u00e9', max_size=40)


@pytest.fixture(autouse=True)
def no_body_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "SMALL_BYTES", 0)
    monkeypatch.setattr(structure, "FEW_VALUES", 0)


@given(st.lists(SIGNS, max_size=8), st.sampled_from([None, 1, 4]), st.data())
def test_texts_are_no_structure(texts: list[str], indent: int | None, data: st.DataObject) -> None:
    request = {"items": [{"text": text, "title": None} for text in texts], "top_k": 46}
    escaped = data.draw(st.booleans())
    body = json.dumps(request, indent=indent, ensure_ascii=escaped).encode()
    n_strings = 2 + 3 * len(texts)
    assert not exceeds_json_complexity(body, max_strings=n_strings, max_texts=len(texts))
    assert exceeds_json_complexity(body, max_strings=n_strings - 1, max_texts=len(texts))


@pytest.mark.parametrize(
    "value",
    [[[]] * 200, [0] * 300, [{}] * 200, {"a": [True] * 120}, 10**400, [[[[["a"]]]]] * 60],
)
def test_values_are(value: Any) -> None:
    body = json.dumps({"text": value}).encode()
    assert exceeds_json_complexity(body, max_strings=1_000, max_texts=1)
    assert not exceeds_json_complexity(body, max_strings=1_000, max_texts=1_000)


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"' * 3_000_000, b'"' + b"\\" * 6_000_001, b'"' + b"a," * 3_000_000, b" ," * 100],
    ids=["escaped quotes", "backslashes", "text", "blanks"],
)
def test_a_string_that_is_not_closed_goes_to_the_end(body: bytes) -> None:
    """In one pass: with a second one from each quote in it, this would not end."""
    assert not exceeds_json_complexity(body, max_strings=1, max_texts=1)


@pytest.mark.parametrize("values", [b"0," * 7_000, b"[]," * 5_000, b"[" * 14_000])
def test_values_of_a_body_that_is_parsed_on_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, values: bytes
) -> None:
    monkeypatch.undo()
    body = b'{"text": "%b", "top_k": [%b0]}'
    assert len(body % (b"", values)) < INLINE_BYTES
    assert exceeds_json_complexity(body % (b"", values), max_strings=10, max_texts=1)
    assert not exceeds_json_complexity(body % (values, b""), max_strings=10, max_texts=1)
