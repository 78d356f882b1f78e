"""Golden files: what people will see, kept under review.

``make golden`` sets BENCHGATE_GOLDEN=1, which writes instead of comparing.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check_golden(received: str, name: str, *, folder: Path = FOLDER) -> None:
    """Assert that the golden file *name* holds *received*.

    On a mismatch ``NAME.received`` is left beside it, to be looked at and compared.
    """
    golden = folder / name
    beside = golden.with_name(f"{name}.received")
    beside.unlink(missing_ok=True)
    if os.environ.get("BENCHGATE_GOLDEN") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(received, encoding="utf-8")
        return
    expected = golden.read_text(encoding="utf-8") if golden.exists() else ""
    if received != expected:
        beside.write_text(received, encoding="utf-8")
    assert received == expected, f"{golden} differs from {beside}: run `make golden`"
