"""Golden comments → pages and pictures as a reader of a pull request meets them.

``make look`` calls it. Markdown becomes HTML by GitHub's own parser; the style sheet is
ours and only comes near: what it shares with GitHub is the width of a comment, the
size of its letters, and tables that scroll when they are too wide.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cmarkgfm import markdown_to_html_with_extensions
from cmarkgfm.cmark import Options

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
BUILD = ROOT / "build" / "look"
_EXTENSIONS = ["table", "strikethrough", "autolink", "tagfilter"]
# In a comment a new line is a new line; our HTML has to come through.
_OPTIONS = Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_UNSAFE
_WIDTHS = {"phone": 390, "desktop": 1000}
_THEMES = {
    "light": "--ink:#1f2328; --soft:#59636e; --page:#fff; --line:#d1d9e0;"
    " --code:#818b981f; --row:#f6f8fa; --link:#0969da; color-scheme:light",
    "dark": "--ink:#f0f6fc; --soft:#9198a1; --page:#0d1117; --line:#3d444d;"
    " --code:#656c7633; --row:#151b23; --link:#4493f8; color-scheme:dark",
}
# A page is cut there: what is folded can be opened in its HTML.
_HEIGHT = 1800
_STYLE = """
body { margin: 0; background: var(--page); color: var(--ink); }
main { box-sizing: border-box; width: var(--width); padding: 16px;
  font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif;
  overflow-wrap: break-word; }
h3 { font-size: 1.25em; line-height: 1.25; margin: 0 0 16px; }
p, ul, table, pre, details { margin: 0 0 16px; }
ul { padding-left: 2em; }
a { color: var(--link); }
code { font: 85% ui-monospace, "Liberation Mono", monospace; padding: .2em .4em;
  border-radius: 6px; background: var(--code); white-space: break-spaces; }
pre { padding: 16px; overflow: auto; background: var(--row); border-radius: 6px; }
pre code { padding: 0; background: none; white-space: pre; }
table { display: block; width: max-content; max-width: 100%; overflow: auto;
  border-collapse: collapse; font-variant: tabular-nums; }
th, td { padding: 6px 13px; border: 1px solid var(--line); }
tr:nth-child(2n) { background: var(--row); }
summary { cursor: pointer; }
"""
_CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def html_of(markdown: str) -> str:
    """Return a comment as HTML, by the rules that GitHub publishes for Markdown."""
    return str(
        markdown_to_html_with_extensions(
            markdown, options=_OPTIONS, extensions=_EXTENSIONS
        )
    )


def page_of(markdown: str, *, theme: str, width: int, unfolded: bool = False) -> str:
    """Return a page that shows a comment *width* pixels wide in *theme*."""
    html = html_of(markdown)
    if unfolded:
        html = html.replace("<details>", "<details open>")
    style = f":root {{ {_THEMES[theme]}; --width: {width}px }}\n{_STYLE}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>comment</title><style>{style}</style></head>\n"
        f"<body><main>\n{html}</main></body></html>\n"
    )


def write_pages(
    comments: Sequence[Path], folder: Path, *, unfolded: bool
) -> Iterator[tuple[Path, int]]:
    """Write a page for each of *comments*, width and theme; yield it and its width."""
    for comment in comments:
        text = comment.read_text(encoding="utf-8")
        for theme in _THEMES:
            for device, width in _WIDTHS.items():
                page = folder / f"{comment.stem}-{device}-{theme}.html"
                html = page_of(text, theme=theme, width=width, unfolded=unfolded)
                page.write_text(html, encoding="utf-8")
                yield page, width


def draw(page: Path, width: int, *, chromium: str, profile: str) -> None:
    """Let *chromium* draw *page* beside itself."""
    subprocess.run(
        (
            chromium,
            *_CHROMIUM,
            f"--user-data-dir={profile}",
            f"--window-size={width},{_HEIGHT}",
            f"--screenshot={page.with_suffix('.png')}",
            page.as_uri(),
        ),
        check=True,
        capture_output=True,
        timeout=120,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write pages and pictures; without chromium the pages alone, which is said."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="golden comments (default: all)")
    parser.add_argument("--unfolded", action="store_true", help="open what is folded")
    args = parser.parse_args(argv)
    comments = [
        path
        for path in sorted(GOLDEN.glob("*.md"))
        if not args.names or path.stem in args.names
    ]
    BUILD.mkdir(parents=True, exist_ok=True)
    pages = list(write_pages(comments, BUILD, unfolded=args.unfolded))
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print(f"{len(pages)} pages in {BUILD}; no pictures, as chromium is missing")
        return 0
    with tempfile.TemporaryDirectory() as profile:
        for page, width in pages:
            draw(page, width, chromium=chromium, profile=profile)
    print(f"{len(pages)} pages and their pictures in {BUILD}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
