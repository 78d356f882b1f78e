"""What several commands ask first: which project this is, and what it is set to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from benchgate import config
from benchgate.errors import BenchgateError
from benchgate.measure import git
from benchgate.model import Measurement

if TYPE_CHECKING:
    from benchgate.gate import FirstLook
    from benchgate.measure.plan import Progress
    from benchgate.store import Store

# What a reader would take for the last comparison's.
_OF_ONE_COMPARISON = ("raw", "logs", "run.json", "report.json", "comment.md")


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


def measure(
    place: Path,
    settings: config.Config,
    *,
    base: str | None,
    alone: bool,
    work: Path,
    progress: Progress,
) -> Measurement:
    """Measure the work tree at *place*: *alone*, or in pairs against *base*.

    By the design ``auto``, and where no *base* is asked for, the head alone is judged
    against stored runs first; only what they don't clear is measured in pairs.
    """
    from benchgate import gate  # noqa: PLC0415 - only who measures needs it
    from benchgate.measure import flow  # noqa: PLC0415 - as above
    from benchgate.measure.pairs import Guidance  # noqa: PLC0415 - as above

    if alone:
        return flow.measure_head(place, settings, work=work, progress=progress)
    look = None
    wanted = settings.measure
    everything = base is None and wanted.only is config.Only.ALL
    if everything and wanted.design is config.DesignChoice.AUTO:
        look = _first_look(place, settings, work=work, progress=progress)
    if look and not look.left:
        flow.keep(look.measurement, work)
        return look.measurement
    return flow.measure_checkout(
        place,
        settings,
        base=base,
        work=work,
        progress=progress,
        guidance=Guidance(
            open_after=partial(gate.still_open, config=settings),
            suspects_in=partial(gate.suspects_in, config=settings),
            surprises_in=partial(gate.surprises_in, config=settings),
        ),
        cleared=look.measurement.cleared if look else (),
        done=look.done if look else (),
    )


def _first_look(
    place: Path, settings: config.Config, *, work: Path, progress: Progress
) -> FirstLook | None:
    """Return what the stored runs clear, None where there are too few of this machine.

    A store that can't be read is no reason not to measure.
    """
    from benchgate import gate  # noqa: PLC0415 - as above
    from benchgate.measure import flow  # noqa: PLC0415 - as above

    try:
        window = stored_runs(settings, limit=settings.baseline.window)
    except BenchgateError as error:
        problem = error.problem.partition("\n")[0]
        progress.say(f"the stored runs can't be read, so all is paired: {problem}")
        return None
    if not gate.can_look(window, flow.environment_of(place)):
        return None
    progress.say(f"looking at the head alone first, against {len(window)} stored runs")
    alone = flow.measure_head(place, settings, work=work, progress=progress)
    return gate.first_look(window, alone, settings)


def open_store(settings: config.Config) -> Store:
    """Return the store that *settings* name, for the repository that we are in."""
    from benchgate import store  # noqa: PLC0415 - only who asks for runs needs it

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


@contextmanager
def work_folder(project: Path, *, emptied: bool = True) -> Iterator[Path]:
    """Yield the folder for what is kept of a comparison, without that of the last.

    Where it isn't *emptied*, that stays. Git never sees it. While another comparison
    writes there, it is one below.
    """
    own = project / ".benchgate"
    own.mkdir(exist_ok=True)
    ignore = own / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    with ExitStack() as stack:
        places = chain([own], (own / str(number) for number in count(2)))
        work = next(p for p in places if stack.enter_context(git.locked(p)))
        for place in (work / n for n in (_OF_ONE_COMPARISON if emptied else ())):
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
        yield work
