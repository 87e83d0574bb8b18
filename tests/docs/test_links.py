"""Broken links are found, others are not."""

from pathlib import Path

import pytest

from tests.docs import links
from tests.docs.links import anchors, broken_links
from tests.docs.markdown import slug

PAGE = """# A page: `code`, and more

## Twice

## Twice

```text
## No heading
[no link](absent.md)
```

`[no link](absent.md)` [a](b.md) [b](b.md#twice-1) [c](#a-page-code-and-more) [d](https://a.example/x)
[e][ref] <img src="b.md">

[ref]: b.md#twice
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(links, "ROOT", tmp_path)
    (tmp_path / "b.md").write_text(PAGE)
    path = tmp_path / "a.md"
    path.write_text(PAGE)
    return path


def test_links_that_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []
    assert anchors(page) == {"a-page-code-and-more", "twice", "twice-1"}


@pytest.mark.parametrize(
    ("link", "missing"),
    [
        ("[a](c.md)", "c.md: no such file"),
        ("[a](b.md#thrice)", "b.md#thrice: no such heading"),
        ("[a](#no-heading)", "#no-heading: no such heading"),
        ("[a](../other.md)", "../other.md: outside of the project"),
        ("![a](c.png)", "c.png: no such file"),
        ('<a href="c.md">', "c.md: no such file"),
        ("[a][absent]", "[absent]: not defined"),
        ("[absent]: c.md", "c.md: no such file"),
    ],
)
def test_broken_links(page: Path, link: str, missing: str) -> None:
    page.write_text(f"{PAGE}\n{link}\n")
    assert broken_links(page) == [missing]


def test_slug() -> None:
    assert slug("`load_classifier`") == "load_classifier"
    assert slug("[Where](x.md) it is, *now*: 95 %") == "where-it-is-now-95-"
