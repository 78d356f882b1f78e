"""Report → text, Markdown, HTML; what is said is decided in ``text``, once for all."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_IN_WHEEL = _PACKAGE / "templates"
# Never both: beside an installed package, "templates" is a stranger's.
TEMPLATES = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "templates"
