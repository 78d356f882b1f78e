# A Cargo that builds one service: it links what isn't there, and gives it two names.
# Called with `rustc`, it is the compiler, which calls the linker that it is told of.

import os
import subprocess
import sys
from pathlib import Path

RELEASE = Path("target/release")
MADE = RELEASE / "deps" / "shop-0123456789abcdef"


def main(words: list[str]) -> None:
    if words[:1] == ["rustc"]:
        linkers = [w.removeprefix("linker=") for w in words if w.startswith("linker=")]
        call(*(linkers or ["cc"])[-1:], "-o", str(MADE), "service.py")
        return
    if not MADE.exists():
        MADE.parent.mkdir(parents=True, exist_ok=True)
        rustc = (sys.executable, "build.py", "rustc")
        around = [w for w in (os.environ.get("RUSTC_WRAPPER"),) if w]
        call(*around, *rustc, "--crate-type", "bin", "--emit=dep-info,link")
    (RELEASE / "shop").unlink(missing_ok=True)
    (RELEASE / "shop").hardlink_to(MADE)


def call(*words: str) -> None:
    subprocess.run(words, check=True)


main(sys.argv[1:])
