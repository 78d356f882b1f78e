"""The suites of the configuration and what changed → the suites worth measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchgate.config import Config, Only, Suite
from benchgate.measure import cargo, git
from benchgate.measure.plan import Plan
from benchgate.model import Doubt

# What benchgate measures in a Rust project that has no benchgate.yml.
FIRST_CONTACT = Suite(name="criterion", tool="criterion")


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
    left_out = list(unmeasured)
    head = plan.head
    changed = git.changed_files(head.root, plan.base.commit.sha)
    affected = cargo.affected_packages(head.root, changed)
    if affected is None:
        doubt = Doubt("everything was measured: a changed file may affect all of it")
        return suites, (*left_out, doubt)
    kept = []
    for suite in suites:
        narrowed = _narrowed(suite, head.project, changed, affected)
        if narrowed is None:
            text = f"{suite.name}: left out, no changed file can affect it"
            left_out.append(Doubt(text))
        else:
            kept.append(narrowed)
    return tuple(kept), tuple(left_out)


def _narrowed(
    suite: Suite, project: Path, changed: Sequence[str], affected: set[Path]
) -> Suite | None:
    """Return *suite* with the packages that matter, None when none does."""
    if suite.tool == "k6":
        # Which package a service is built from is in a command that we can't read.
        script = Path(suite.directory) / (suite.script or "")
        beside = script.parent.as_posix()
        touched = any(Path(name).parent.as_posix().endswith(beside) for name in changed)
        return suite if affected or touched else None
    names = tuple(
        sorted(
            {
                target.package
                for target in cargo.bench_targets(project, suite)
                if target.folder in affected
            }
        )
    )
    return replace(suite, packages=names) if names else None
