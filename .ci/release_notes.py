"""Write the changelog's section of a tag: ``python3 .ci/release_notes.py v1.2.3``.

Links are relative in the changelog; in the notes, files of the repository are at
``REPOSITORY_URL``, such as ``https://HOST/OWNER/NAME/blob/v1.2.3``, where that is set.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#)")


def release_notes(tag: str, version: str, changelog: str, url: str = "") -> str:
    """Return the section of ``version`` for its tag: without its heading, one line an entry.

    Raises ValueError if the tag is another, or the changelog has no dated section with entries.
    """
    if tag != f"v{version}":
        raise ValueError(f"expected the tag v{version}, of service.__version__, got {tag}")
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    if found is None or not re.search(r"^- ", found[1], re.M):
        raise ValueError(
            f"CHANGELOG.md: expected a section '## [{version}] - YYYY-MM-DD' with entries"
        )
    notes = re.sub(r"\n +", " ", found[1].strip()) + "\n"  # GitHub keeps line breaks
    return RELATIVE_LINK.sub(f"]({url.rstrip('/')}/", notes) if url else notes


def main() -> None:
    """Write the notes of the tag that is the argument, or end with one line."""
    sys.path.insert(0, str(ROOT))
    from service import __version__

    if len(sys.argv) != 2:
        sys.exit("error: expected one argument, the tag")
    try:
        changelog = (ROOT / "CHANGELOG.md").read_text()
        url = os.environ.get("REPOSITORY_URL", "")
        notes = release_notes(sys.argv[1], __version__, changelog, url)
    except ValueError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(notes)


if __name__ == "__main__":
    main()
