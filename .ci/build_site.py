"""Build the site of the documents: ``python .ci/build_site.py [FOLDER]``, as ``make docs`` does.

Links that leave ``docs/`` work on the forge; on the site, files of the repository are at
``REPOSITORY_URL``, such as ``https://HOST/OWNER/NAME/blob/main``. Without that variable they are
relative, for a site that is read in the checkout. Pictures from outside ``docs/`` are copied.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
ICON = Path("service/api/static/icon.svg")
PLACEHOLDER = "https://repository.invalid/"
"""Stands for the repository until a page's place is known; RFC 2606 reserves the name."""
FENCE = re.compile(r" *(`{3,}|~{3,})")
LINK = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<before>(?P<image>!)?\[(?P<text>[^\[\]]*)\]\(|\]\(|^ {0,3}\[[^\]]+\]: +)"
    r"(?P<target>[^\s)]+)"
)


class Stage:
    """A copy of ``docs/`` whose links stay within the site.

    Parameters
    ----------
    root : Path
        The repository.
    docs : Path
        The copy.
    """

    def __init__(self, root: Path, docs: Path) -> None:
        self._root = root.resolve()
        self._docs = docs

    def prepare(self) -> list[str]:
        """Copy everything, and return errors: links to files that the repository does not have."""
        shutil.copytree(self._root / "docs", self._docs)
        shutil.copy(self._root / ICON, self._docs)
        errors = []
        for copy in sorted(self._docs.rglob("*.md")):
            page = self._root / "docs" / copy.relative_to(self._docs)
            lines = []
            for number, line in enumerate(self._rewrite(page), 1):
                lines.append(line)
                errors += [
                    f"{page.relative_to(self._root)}:{number}: expected a file, not found: {name}"
                    for name in re.findall(rf"{PLACEHOLDER}([^\s)#]*)", line)
                    if name.startswith("..") or not (self._root / name).exists()
                ]
            copy.write_text("".join(lines))
        return errors

    def _rewrite(self, page: Path) -> Iterator[str]:
        """Yield the lines of a page; those of code blocks as they are."""
        fence = ""
        for line in page.read_text().splitlines(keepends=True):
            found = FENCE.match(line)
            if found and (not fence or line.strip() == fence):
                fence = "" if fence else found[1]
                yield line
            else:
                yield line if fence else LINK.sub(lambda match: self._link(match, page), line)

    def _link(self, match: re.Match[str], page: Path) -> str:
        target = match["target"]
        if target is None or re.match(r"[a-z]+:|#|/", target):
            return match[0]
        name, mark, anchor = target.partition("#")
        path = Path(os.path.normpath(page.parent / name))
        if path.is_relative_to(self._root / "docs"):
            return match[0]
        inside = Path(os.path.relpath(path, self._root)).as_posix()
        if not match["image"] or not path.is_file():
            return f"{match['before']}{PLACEHOLDER}{inside}{mark}{anchor}"
        copy = self._docs / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        return match["before"] + os.path.relpath(
            inside, page.relative_to(self._root / "docs").parent
        )


def place_repository(site: Path, root: Path, url: str | None) -> None:
    """Put the repository's place into every page of a site."""
    for page in site.rglob("*.html"):
        place = url or Path(os.path.relpath(root, page.parent)).as_posix()
        page.write_text(page.read_text().replace(PLACEHOLDER, f"{place.rstrip('/')}/"))


def main() -> None:
    """Build the site into the folder that is the argument, ``site`` by default."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site").resolve()
    if site.exists() and any(site.iterdir()) and not (site / "404.html").is_file():
        sys.exit(f"error: expected an empty folder or an earlier site, got {site}: name another")
    with TemporaryDirectory() as folder:
        stage = Path(folder)
        shutil.copy(ROOT / "zensical.toml", stage)
        if errors := Stage(ROOT, stage / "docs").prepare():
            sys.exit("\n".join(errors))
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        done = subprocess.run(  # noqa: S603 - arguments of this file
            command, cwd=stage, env=os.environ | {"NO_COLOR": "1"}, check=False
        )
        if done.returncode:
            sys.exit("error: the site has warnings, or could not be built")
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(stage / "site", site)
    place_repository(site, ROOT, os.environ.get("REPOSITORY_URL"))


if __name__ == "__main__":
    main()
