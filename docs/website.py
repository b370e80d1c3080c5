"""What MkDocs cannot know of these pages: their order, and that some links leave docs/ for the repository."""

import posixpath
import re
from pathlib import Path
from typing import Any

INDEX = "README.md"
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
PAGE = re.compile(r"^- \[([^]]+)\]\(([^)#]+)\)", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^]]+)\]\((\.\./[^)]+)\)")


def on_config(config: Any) -> Any:
    """The navigation is the index's: one group per section, one entry per page."""
    _, *parts = SECTION.split(Path(config.docs_dir, INDEX).read_text(encoding="utf-8"))
    sections = zip(parts[::2], parts[1::2], strict=True)
    groups = [{title: [{name: path} for name, path in PAGE.findall(body)]} for title, body in sections]
    config.nav = [{"Index": INDEX}, *groups]
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A file of the repository that is no page is named by its path, since the site does not have it."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def named(link: re.Match[str]) -> str:
        path = posixpath.normpath(f"{folder}/{link[2]}")
        return link[0] if path.startswith("docs/") else f"{link[1]} (`{path}`)"

    return LINK.sub(named, markdown)
