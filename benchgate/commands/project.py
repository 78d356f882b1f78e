"""What several commands ask first: which project this is, and what it is set to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchgate import config
from benchgate.errors import BenchgateError
from benchgate.measure import git


def load(path: str | None) -> config.Config:
    """Return the configuration at *path*, or the nearest one above us, or defaults."""
    if path is not None:
        return config.load(Path(path))
    found = config.find(folder())
    return config.load(found) if found else config.default()


def folder() -> Path:
    """Return the folder that is measured: where ``benchgate.yml`` is, or ours.

    Looked for from here upwards, but not beyond the repository.
    """
    here = Path.cwd()
    try:
        top = git.toplevel(here)
    except BenchgateError:
        return here
    for place in (here, *here.parents):
        if config.find(place):
            return place
        if place == top:
            break
    return here if (here / "Cargo.toml").exists() else top


def work_folder(project: Path) -> Path:
    """Return the folder for what is kept of a comparison; Git never sees it."""
    work = project / ".benchgate"
    work.mkdir(exist_ok=True)
    ignore = work / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return work


def with_flags(
    settings: config.Config,
    *,
    rounds: int | None = None,
    budget: float | None = None,
    only: str | None = None,
) -> config.Config:
    """Return *settings* with what was said on the command line."""
    measure = settings.measure
    if rounds is not None:
        measure = replace(measure, looks=(rounds,))
    if budget is not None:
        measure = replace(measure, budget=budget)
    if only is not None:
        measure = replace(measure, only=config.Only(only))
    return replace(settings, measure=measure)
