"""What several commands ask first: which project this is, and what it is set to."""

from __future__ import annotations

from pathlib import Path

from benchgate import config, store
from benchgate.errors import BenchgateError
from benchgate.measure import git
from benchgate.model import Measurement
from benchgate.store import Store


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


def open_store(settings: config.Config) -> Store:
    """Return the store that *settings* name, for the repository that we are in."""
    baseline = settings.baseline
    return store.open_store(
        baseline.store,
        root=git.toplevel(Path.cwd()) if baseline.store == "git-branch" else folder(),
        branch=baseline.branch,
        path=baseline.path,
        remote=baseline.remote,
    )


def stored_runs(settings: config.Config, *, limit: int) -> list[Measurement]:
    """Return the newest stored runs, newest first."""
    kept = open_store(settings)
    return [kept.read(entry.id) for entry in kept.list(limit=limit)]


def work_folder(project: Path) -> Path:
    """Return the folder for what is kept of a comparison; Git never sees it."""
    work = project / ".benchgate"
    work.mkdir(exist_ok=True)
    ignore = work / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return work
