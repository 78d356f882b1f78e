"""Compare commits of other people's repositories; ``make wild`` calls it.

What came of each entry is kept below ``build/wild``, with its work trees. A second run
goes on with what isn't there yet, or came of other flags; ``docs/wild.md`` shows all
that is there.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from scripts.wild import manifest, page, runs

ROOT = Path(__file__).parents[2]
MANIFEST = Path(__file__).with_name("manifest.toml")
KEPT = ROOT / "build" / "wild"
FLAGS = "--rounds 20 --budget 150s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, then write the page; 1 where an entry can't be run."""
    parser = argparse.ArgumentParser(prog="make wild", description=__doc__)
    parser.add_argument("--repos", type=Path, help="folder with clones, owner+name")
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    parser.add_argument("--only", help="the name of one entry; it is run again")
    parser.add_argument("--flags", default=FLAGS, help="for `benchgate compare`")
    parser.add_argument("--kept", type=Path, default=KEPT, help="where results are")
    parser.add_argument("--page", type=Path, default=page.PAGE)
    args = parser.parse_args(arguments)
    try:
        entries = manifest.load(args.manifest)
        missing = _run_all(entries, args) if args.repos else []
    except manifest.ManifestError as error:
        print(f"wild: {error}", file=sys.stderr)
        return 1
    results = _kept(entries, args.kept)
    args.page.write_text(page.written(entries, results), encoding="utf-8")
    for problem in missing:
        print(f"wild: {problem}", file=sys.stderr)
    return 1 if missing else 0


def _run_all(entries: Sequence[manifest.Entry], args: argparse.Namespace) -> list[str]:
    """Run the entries that have no result yet; return why some can't be run."""
    if args.only and args.only not in {entry.name for entry in entries}:
        raise manifest.ManifestError(f"{args.manifest}: has no entry {args.only}")
    flags = tuple(shlex.split(args.flags))
    kept = {} if args.only else _kept(entries, args.kept)
    done = {name for name, result in kept.items() if result.arguments == flags}
    missing = []
    args.kept.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        if entry.name in done or (args.only and entry.name != args.only):
            continue
        _say(f"{entry.name}: about {entry.seconds / 60:.0f} min")
        try:
            clone = runs.clone_in(args.repos, entry.repository)
            folder = args.kept.resolve() / "work" / entry.repository.replace("/", "+")
            result = runs.run(entry, clone, flags, folder)
        except runs.CloneError as error:
            missing.append(str(error))
            continue
        place = args.kept / f"{entry.name}.json"
        place.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
        as_expected = "as expected" if runs.agrees(entry, result) else "NOT as expected"
        _say(f"{entry.name}: {result.outcome}, {as_expected}, {result.wall:.0f} s")
    return missing


def _kept(entries: Sequence[manifest.Entry], folder: Path) -> dict[str, runs.Result]:
    """Return the results by name, without those of another comparison."""
    found = {}
    for entry in entries:
        place = folder / f"{entry.name}.json"
        if place.exists():
            # What an older script wrote is as good as nothing.
            with suppress(msgspec.ValidationError):
                result = msgspec.json.decode(place.read_bytes(), type=runs.Result)
                if result.digest == entry.digest:
                    found[entry.name] = result
    return found


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
