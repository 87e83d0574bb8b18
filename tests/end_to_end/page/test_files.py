"""Files that are dropped or opened."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.page.actions import OIL, type_text


def drop(page: Page, name: str, content: bytes) -> None:
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        [name, list(content)],
    )
    for event in ("dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": transfer})


def test_file_can_be_dropped(page: Page) -> None:
    drop(page, "news.txt", b"\xef\xbb\xbf" + f"{OIL} ü".encode())
    expect(page.get_by_label("Text: type it")).to_have_value(f"{OIL} ü")
    expect(page.locator("#headline")).to_have_text("Crude oil")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("news.png", b"\x89PNG\xff\xfe\x00\x01"),
        ("news.docx", b"PK\x03\x04\x14\x00\x06\x00\x08\x00"),
        ("news.odt", b"PK\x03\x04" + b"a" * 99),
        ("news.pdf", b"%PDF-1.7\n1 0 obj"),
        ("news.rtf", rb"{\rtf1\ansi Crude oil rose.}"),
        ("news.bin", b"\x00\x01\x02 crude oil"),
        ("news.utf-16", b"\xff\xfe\x00\xd8\x00"),
    ],
)
def test_binary_file_keeps_the_text(page: Page, name: str, content: bytes) -> None:
    type_text(page, OIL)
    page.get_by_label("Title").fill("OPEC meets")
    expect(page.locator("#headline")).to_have_text("Crude oil")
    drop(page, name, content)
    note = page.get_by_role("alert")
    expect(note).to_have_text(
        f"The file {name} is not plain text. Save it as plain text (.txt), "
        "or copy its text and paste it here."
    )
    expect(page.get_by_label("Text: type it")).to_have_value(OIL)
    expect(page.get_by_label("Title")).to_have_value("OPEC meets")
    expect(page.locator("#headline")).to_have_text("Crude oil")
    type_text(page, f"{OIL} More.")
    expect(note).to_be_hidden()


@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252"])
def test_windows_encoding_is_read_with_a_note(page: Page, encoding: str) -> None:
    text = f"{OIL} Zürich, Düsseldorf: 5 £."
    if encoding == "windows-1252":
        text += " “quoted” – 3 €"
    drop(page, "news.txt", text.encode(encoding))
    expect(page.get_by_label("Text: type it")).to_have_value(text)
    expect(page.get_by_role("alert")).to_have_text(
        "The file news.txt is not in UTF-8. It was read as Windows-1252: "
        "check its accents and quotes."
    )
    expect(page.locator("#headline")).to_have_text("Crude oil")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_byte_order_mark_is_read(page: Page, encoding: str) -> None:
    drop(page, "news.txt", f"\ufeff{OIL} ü".encode(encoding))
    expect(page.get_by_label("Text: type it")).to_have_value(f"{OIL} ü")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_file_can_be_opened_twice(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    for text in (OIL, f"{OIL} {OIL}"):
        path.write_text(text)
        page.get_by_label("Open a file").set_input_files(path)
        expect(page.get_by_label("Text: type it")).to_have_value(text)
