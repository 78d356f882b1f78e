"""What a tool printed when it failed → the one thing that a person can do about it.

Only what is known to help is said: most failures are the user's own, and the tool's
words are the best there are.
"""

from __future__ import annotations

import re
from collections.abc import Collection

# In the order of asking: the first that fits is the cause of those that follow.
_CURES = (
    (
        re.compile(r"toolchain '(?P<what>[^']+)' is not installed"),
        (
            "run `rustup toolchain install {what}`, or take one that is there: "
            "`RUSTUP_TOOLCHAIN=stable benchgate compare`"
        ),
    ),
    (
        re.compile(r"could not download file from '\S*channel-rust-"),
        (
            "run `rustup toolchain install` where there is a network, or take another "
            "toolchain: `RUSTUP_TOOLCHAIN=stable benchgate compare`"
        ),
    ),
    (
        re.compile(r"requires rustc (?P<what>\d[\d.]*)"),
        "run `rustup update`, or name a newer toolchain in RUSTUP_TOOLCHAIN",
    ),
    (
        re.compile(r"may not be used on the \w+ release channel"),
        (
            "take the compiler that it is written for: "
            "`RUSTUP_TOOLCHAIN=nightly benchgate compare`"
        ),
    ),
    (
        re.compile(r"#!?\[(?:deny|forbid)\(|`-[DF] [\w:-]+`"),
        (
            "a lint of this compiler is made an error: let it only warn with "
            '`RUSTFLAGS="--cap-lints warn" benchgate compare`, or name an older '
            "toolchain in RUSTUP_TOOLCHAIN"
        ),
    ),
    (
        re.compile(r"multiple different versions of crate `(?P<what>[^`]+)`"),
        (
            "a dependency brings another release of {what}: choose releases that fit "
            "together with `cargo update --precise`, and leave the Cargo.lock there; "
            "where none is tracked both sides get it"
        ),
    ),
    (
        re.compile(r"error: linker `(?P<what>[^`]+)` not found"),
        "install {what}, or name another linker in Cargo's configuration",
    ),
)
# What an executable that isn't of criterion answers to --help, and what it is.
_STRANGERS = (
    (
        "--include-ignored",
        "is run by Rust's own test harness (is `harness = false` missing?)",
    ),
    ("--sample-count", "is of divan"),
    ("test result: ok.", "is of bencher"),
    ("iai", "is of iai or gungraun"),
    ("gungraun", "is of iai or gungraun"),
)
# The packages behind bench targets that need neither of these two.
_LIBRARIES = {
    "divan": "divan",
    "codspeed-divan-compat": "divan",
    "bencher": "bencher",
    "codspeed-bencher-compat": "bencher",
    "iai": "iai",
    "iai-callgrind": "iai-callgrind",
    "gungraun": "gungraun",
    "tango-bench": "tango",
}
_GIT_LACKS = re.compile(r"promisor remote|unable to read (?:sha1 file|tree)")
_GATED = re.compile(r"gated behind the `([^`]+)` feature")


def cure_of(error: str) -> str:
    """Return what helps against an *error* of cargo, rustc or rustup, "" if unknown.

    *error*: all lines of the first one, and none of a warning's.
    """
    for pattern, cure in _CURES:
        if match := pattern.search(error):
            return cure.format(**match.groupdict())
    return ""


def feature_behind(line: str) -> str:
    """Return the feature without which rustc could not see an item, "" for none."""
    match = _GATED.search(line)
    return match[1] if match else ""


def cure_by_features(features: list[str], suite: str) -> str:
    """Return what to write into the configuration so that *features* are turned on."""
    names = ", ".join(features)
    return (
        f"turn on what the benches need, in `benchgate.yml`: `suites: {{{suite}: "
        f"{{tool: criterion, features: [{names}]}}}}`"
    )


def kind_of_stranger(printed: str) -> str:
    """Say what a bench executable is that is not criterion's, by its answer to help."""
    said = (kind for sign, kind in _STRANGERS if sign in printed)
    return next(said, "does not answer like one of criterion")


def library_of(dependencies: Collection[str]) -> str:
    """Return what benches of a package with such *dependencies* may be written for."""
    found = {_LIBRARIES[name] for name in dependencies if name in _LIBRARIES}
    return " and ".join(sorted(found)) or "Rust's own test harness"


def cure_of_git(said: str) -> str:
    """Return what helps where git can't check a commit out, "" if unknown."""
    if "git-lfs" in said:
        return "install Git LFS (https://git-lfs.com) and run `git lfs install`"
    if _GIT_LACKS.search(said):
        return "this clone lacks files of that commit: `git fetch --refetch origin`"
    return ""
