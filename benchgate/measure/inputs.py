"""Files that differ between base and head → those that a bench seems to read.

A bench that reads another input measures another thing on each side, and neither the
code nor the machine is to blame.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

# What the compiler reads, and what nobody measures.
_OTHERS = {".rs", ".toml", ".lock", ".md", ".yml", ".yaml"}
_LARGEST_SOURCE = 1 << 20


def changed_inputs(
    root: Path, changed: Sequence[str], packages: Collection[Path]
) -> tuple[str, ...]:
    """Return those of the *changed* files that a bench of *packages* names.

    *changed*: paths relative to *root*; *packages*: folders with benches. A bench
    names a file, or the folder that it lies in, somewhere in its source.
    """
    candidates = [name for name in changed if Path(name).suffix not in _OTHERS]
    if not candidates:
        return ()
    sources = {package: _sources(package) for package in packages}
    return tuple(
        name
        for name in candidates
        if any(
            _is_named(root / name, package, text) for package, text in sources.items()
        )
    )


def _sources(package: Path) -> str:
    """Return the text of all benches of *package*, as one."""
    texts = []
    for place in sorted((package / "benches").rglob("*.rs")):
        raw = place.read_bytes()[:_LARGEST_SOURCE]
        texts.append(raw.decode("utf-8", errors="replace"))
    return "\n".join(texts)


def _is_named(file: Path, package: Path, text: str) -> bool:
    if file.name in text:
        return True
    try:
        folder = file.parent.relative_to(package).as_posix()
    except ValueError:
        return False
    # Named itself, and not as a part of the path of another file.
    return folder != "." and bool(re.search(rf'{re.escape(folder)}/?["{{]', text))
