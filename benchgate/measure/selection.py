"""The suites of the configuration and what changed → the suites worth measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchgate.config import Config, Only, Suite
from benchgate.errors import ToolError
from benchgate.measure import cargo, git
from benchgate.measure.plan import Checkout, Plan
from benchgate.model import Doubt

# What benchgate measures in a Rust project that has no benchgate.yml.
FIRST_CONTACT = Suite(name="criterion", tool="criterion")

_OF_ALL = {"Cargo.lock", "rust-toolchain", "rust-toolchain.toml"}
_PROSE = {".md", ".txt", ".rst", ".adoc", ".png", ".svg"}
_PROSE_NAMES = {"LICENSE", ".gitignore", "CODEOWNERS", "AUTHORS"}
_PROSE_FOLDERS = {".github", "docs"}

Packages = Mapping[Path, frozenset[Path]]
"""The folder of each package, and those of the packages it depends on."""


def measurable(config: Config) -> tuple[tuple[Suite, ...], tuple[Doubt, ...]]:
    """Return the suites that can be measured here, and why the others can't."""
    suites = config.suites or (FIRST_CONTACT,)
    kept = tuple(s for s in suites if s.tool in ("criterion", "k6"))
    left_out = tuple(
        Doubt(f"{s.name}: {s.tool} results are read from files, not measured here")
        for s in suites
        if s not in kept
    )
    return kept, left_out


def selected(plan: Plan) -> tuple[tuple[Suite, ...], tuple[Doubt, ...]]:
    """Return the suites to measure, and what was left out with the reason.

    With ``only: affected``, what no changed file can have made slower is left out;
    where that can't be told, everything is measured.
    """
    suites, unmeasured = measurable(plan.workshop.config)
    if plan.workshop.config.measure.only is Only.ALL:
        return suites, unmeasured
    head = plan.head
    changed = git.changed_files(head.root, plan.base.commit.sha)
    try:
        packages = cargo.dependencies_by_folder(head.root)
    except ToolError as error:
        reason = error.problem.partition("\n")[0]
        return suites, (*unmeasured, _everything(reason))
    unclear = _unclear(head.root, changed, packages)
    if unclear:
        return suites, (*unmeasured, _everything(f"{unclear} may affect all of it"))
    affected = affected_packages(head.root, changed, packages)
    kept: list[Suite] = []
    left_out = list(unmeasured)
    for suite in suites:
        narrowed, reason = _narrowed(suite, head, changed, affected)
        if narrowed:
            kept.append(narrowed)
        if reason:
            left_out.append(Doubt(f"{suite.name}: {reason}"))
    return tuple(kept), tuple(left_out)


def affected_packages(
    root: Path, changed: Sequence[str], packages: Packages
) -> frozenset[Path]:
    """Return the folders of packages that a *changed* file can have made slower.

    That are those that such a file lies in, and all that depend on one of them.
    """
    owners = {_owner(root / name, packages) for name in changed}
    found = {owner for owner in owners if owner}
    grown = True
    while grown:
        dependents = {f for f, needed in packages.items() if needed & found} - found
        found |= dependents
        grown = bool(dependents)
    return frozenset(found)


def _unclear(root: Path, changed: Sequence[str], packages: Packages) -> str:
    """Return the first of *changed* that may affect everything, "" for none."""
    return next((name for name in changed if _is_of_all(root, name, packages)), "")


def _is_of_all(root: Path, name: str, packages: Packages) -> bool:
    path = root / name
    owner = _owner(path, packages)
    if path.name in _OF_ALL or ".cargo" in Path(name).parts:
        return True
    if owner is None:
        return not _is_prose(Path(name))
    # A workspace's manifest sets profiles and shared dependencies.
    is_manifest = path == owner / "Cargo.toml"
    return is_manifest and any(owner in folder.parents for folder in packages)


def _owner(file: Path, packages: Packages) -> Path | None:
    """Return the folder of the package that *file* lies in, None for no package."""
    return next((folder for folder in file.parents if folder in packages), None)


def _is_prose(path: Path) -> bool:
    return (
        path.suffix in _PROSE
        or path.name in _PROSE_NAMES
        or path.parts[0] in _PROSE_FOLDERS
    )


def _everything(reason: str) -> Doubt:
    return Doubt(f"nothing was left out as unaffected: {reason}")


def _narrowed(
    suite: Suite, head: Checkout, changed: Sequence[str], affected: frozenset[Path]
) -> tuple[Suite | None, str]:
    """Return *suite* with the packages that matter, and why others are left out."""
    nothing = "left out, no changed file can affect it"
    if suite.tool == "k6":
        # Which package a service is built from is in a command that we can't read.
        script = head.project / suite.directory / (suite.script or "")
        beside = [n for n in changed if script.parent in (head.root / n).parents]
        return (suite, "") if affected or beside else (None, nothing)
    targets = cargo.bench_targets(head.project, suite)
    names = {t.package for t in targets if t.folder in affected}
    others = sorted({t.package for t in targets} - names)
    if not names:
        return None, nothing
    reason = f"left out, no changed file can affect {', '.join(others)}"
    return replace(suite, packages=tuple(sorted(names))), reason if others else ""
