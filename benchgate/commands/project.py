"""What several commands ask first: which project this is, and what it is set to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from benchgate import accepted, config
from benchgate.errors import BenchgateError
from benchgate.measure import git
from benchgate.model import Measurement

if TYPE_CHECKING:
    from benchgate.gate import FirstLook
    from benchgate.measure.plan import Progress
    from benchgate.store import Store

Stored = Callable[[], Sequence[Measurement]]
"""How the stored runs are had, newest first."""

# What a reader would take for the last comparison's.
_OF_ONE_COMPARISON = (
    *("raw", "logs", "record"),
    *("run.json", "report.json", "comment.md"),
)


def load(path: str | None) -> config.Config:
    """Return the configuration at *path*, or the nearest one above us, or defaults.

    With it comes what the team accepts, and the date by which that expires.
    """
    place = folder()
    found = Path(path) if path is not None else config.find(place)
    settings = config.load(found) if found else config.default()
    wanted = accepted.find(place)
    entries = accepted.load(wanted, today=today()) if wanted else ()
    return replace(settings, accepted=entries, today=today())


def today() -> str:
    """Return the date by which what is accepted expires."""
    return datetime.now(UTC).date().isoformat()


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
    stored: Stored | None = None,
    measured: Measurement | None = None,
) -> Measurement:
    """Measure the work tree at *place*: *alone*, or in pairs against *base*.

    By the design ``auto``, and where no *base* is asked for or *stored* runs are
    given, the head alone is judged against these first; only what they don't clear is
    measured in pairs. *measured* is the head alone, where somebody measured it before.
    """
    from benchgate import gate  # noqa: PLC0415 - only who measures needs it
    from benchgate.measure import flow  # noqa: PLC0415 - as above
    from benchgate.measure.pairs import Guidance  # noqa: PLC0415 - as above

    if alone:
        return flow.measure_head(place, settings, work=work, progress=progress)
    look = None
    wanted = settings.measure
    may_look = stored is not None or base is None
    everything = may_look and wanted.only is config.Only.ALL
    if everything and wanted.design is config.DesignChoice.AUTO:
        stored = stored or partial(stored_runs, settings)
        look = _first_look(
            stored, measured, place, settings, work=work, progress=progress
        )
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
    stored: Stored,
    measured: Measurement | None,
    place: Path,
    settings: config.Config,
    *,
    work: Path,
    progress: Progress,
) -> FirstLook | None:
    """Return what the stored runs clear, None where there are too few of this machine.

    A store that can't be read is no reason not to measure.
    """
    from benchgate import gate  # noqa: PLC0415 - as above
    from benchgate.measure import flow  # noqa: PLC0415 - as above

    try:
        window = stored()
    except BenchgateError as error:
        problem = error.problem.partition("\n")[0]
        progress.say(f"the stored runs can't be read, so all is paired: {problem}")
        return None
    if not gate.can_look(window, flow.environment_of(place)):
        return None
    progress.say(f"looking at the head alone first, against {len(window)} stored runs")
    alone = measured or flow.measure_head(place, settings, work=work, progress=progress)
    return gate.first_look(window, alone, settings)


def open_store(settings: config.Config, *, fetched: bool = False) -> Store:
    """Return the store that *settings* name, for the repository that we are in.

    With *fetched*, only what an earlier process has brought of it is read.
    """
    from benchgate import store  # noqa: PLC0415 - only who asks for runs needs it

    baseline = settings.baseline
    return store.open_store(
        baseline.store,
        root=git.toplevel(Path.cwd()) if baseline.store == "git-branch" else folder(),
        branch=baseline.branch,
        path=baseline.path,
        remote=baseline.remote,
        fetched=fetched,
    )


def stored_runs(
    settings: config.Config, *, limit: int | None = None, fetched: bool = False
) -> list[Measurement]:
    """Return the newest stored runs, newest first: as many as a head is judged by."""
    kept = open_store(settings, fetched=fetched)
    entries = kept.list(limit=limit or settings.baseline.window)
    return [kept.read(entry.id) for entry in entries]


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
