"""What Cargo built elsewhere → a target folder of the base that it needn't fill anew.

Dependencies are the same on most bases, and on the head too. Cargo knows them by
checksums and versions, wherever its folder lies; packages of the project itself it
knows by the age of their sources, so they are always compiled.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import tempfile
import tomllib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from benchgate.errors import ToolError
from benchgate.measure import cargo, process
from benchgate.measure.plan import Checkout

# Cargo puts the first into each folder that it makes to build in, and the second into
# each that it builds in.
TAG = "CACHEDIR.TAG"
_ABOUT_RUSTC = ".rustc_info.json"
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n"
_COPY_WITHIN = 600.0
# Copies that share their blocks until one is written to, where the disk can do that.
# Never hard links: Cargo and rustc write into files that are there.
_COPY = {"Darwin": ("cp", "-a", "-c")}
_COPY_ELSEWHERE = ("cp", "-a", "--reflink=auto")
_FINGERPRINT = ".fingerprint"
_FINGERPRINTS = (f"*/{_FINGERPRINT}/*", f"*/*/{_FINGERPRINT}/*")
# Of a profile's folder, what other builds can use. Executables aren't among it, and
# what the user has compiled bit by bit is of the project itself.
_PARTS = (_FINGERPRINT, "build", "deps")
_LIBRARIES = (".rlib", ".rmeta", ".d", ".so", ".dylib", ".dll")


def from_slot(slot: Path, donor: Path) -> None:
    """Copy to *slot* what Cargo built in *donor*; where that fails, leave it out."""
    own = _package_names(slot / "base") | _package_names(donor / "base")
    for built in built_in(donor):
        place = slot / built.relative_to(donor)
        if place.exists() or not place.parent.is_dir():
            continue
        with _draft(slot) as draft:
            words = _COPY.get(platform.system(), _COPY_ELSEWHERE)
            copying = (*words, str(built), str(draft))
            process.check(process.run(copying, cwd=slot, within=_COPY_WITHIN))
            _forget(own, draft)
            draft.rename(place)


def from_head(executables: Collection[Path], *, head: Checkout, base: Checkout) -> None:
    """Copy to *base*, where nothing was built yet, the dependencies of *head*.

    They are found from its *executables*. What would take more than half of the room on
    the disk is left out, as is what can't be copied.
    """
    own = _package_names(head.root) | _package_names(base.root)
    slot = base.root.parent
    for built in {target for path in executables for target in _target_of(path)}:
        place = _place_of(built, head=head, base=base)
        if place is None or place.exists() or not place.parent.is_dir():
            continue
        profiles = _profiles(built, executables)
        with _draft(slot) as draft:
            size = sum(map(_size_to_copy, profiles))
            if shutil.disk_usage(slot).free < 2 * size:
                continue
            for profile in profiles:
                _copy_profile(profile, draft / profile.relative_to(built))
            _forget(own, draft)
            (draft / TAG).write_text(_SIGNATURE)
            draft.rename(place)


def built_in(slot: Path) -> list[Path]:
    """Return the folders of *slot* that Cargo has built the base in."""
    found = []
    for top in (slot / "base", slot / "target"):
        for parent, folders, files in os.walk(top):
            if TAG in files:
                found.append(Path(parent))
                folders.clear()
    return found


@contextlib.contextmanager
def _draft(slot: Path) -> Iterator[Path]:
    """Yield a place for a copy, which is none of a build if its making is cut short."""
    with (
        contextlib.suppress(OSError, shutil.Error, ToolError),
        tempfile.TemporaryDirectory(
            dir=slot, prefix="seed-", ignore_cleanup_errors=True
        ) as folder,
    ):
        yield Path(folder) / "target"


def _target_of(executable: Path) -> Iterator[Path]:
    """Yield the folder that Cargo built *executable* in, if it is one of Cargo's."""
    for parent in executable.parents:
        if (parent / TAG).is_file() or (parent / _ABOUT_RUSTC).is_file():
            yield parent
            return


def _place_of(built: Path, *, head: Checkout, base: Checkout) -> Path | None:
    if base.target is not None:
        return base.target
    inside = built.is_relative_to(head.root)
    return base.root / built.relative_to(head.root) if inside else None


def _profiles(built: Path, executables: Collection[Path]) -> list[Path]:
    """Return the folders in *built* of the profiles of *executables*.

    Build scripts and procedural macros lie in one of their own where a build is for
    another platform.
    """
    inside = [path for path in executables if path.is_relative_to(built)]
    profiles = {_profile_of(path) for path in inside}
    found = {place for profile in profiles for place in (profile, built / profile.name)}
    return sorted(place for place in found if (place / _FINGERPRINT).is_dir())


def _profile_of(executable: Path) -> Path:
    """Return the folder of the profile; benches lie in a folder of it, binaries not."""
    folder = executable.parent
    return folder.parent if folder.name == "deps" else folder


def _copy_profile(profile: Path, copy: Path) -> None:
    for name in _PARTS:
        if (profile / name).is_dir():
            shutil.copytree(
                profile / name, copy / name, symlinks=True, ignore=_no_library
            )


def _no_library(folder: str, names: Sequence[str]) -> set[str]:
    """Return those of *names* that are not to be copied from *folder*."""
    if Path(folder).name != "deps":
        return set()
    return {name for name in names if not name.endswith(_LIBRARIES)}


def _size_to_copy(profile: Path) -> int:
    size = 0
    for name in _PARTS:
        for parent, _, files in os.walk(profile / name):
            left_out = _no_library(parent, files)
            for file in set(files) - left_out:
                size += (Path(parent) / file).lstat().st_size
    return size


def _forget(packages: set[str], target: Path) -> None:
    """Make Cargo compile *packages* anew in *target*.

    It takes sources for built that are older than the build, and another base may
    have been checked out at any time. Of dependencies it compares checksums.
    """
    for pattern in _FINGERPRINTS:
        for place in target.glob(pattern):
            if place.name.rpartition("-")[0] in packages:
                shutil.rmtree(place)


def _package_names(tree: Path) -> set[str]:
    """Return the names of packages that lie in *tree*.

    Lock files tell also of those in folders where nobody looks for a manifest.
    """
    names: set[str] = set()
    for manifest in cargo.manifests(tree):
        names |= _names_in(manifest)
        names |= _names_in(manifest.with_name("Cargo.lock"))
    return names


def _names_in(file: Path) -> set[str]:
    """Return the names of the packages in *file* that come from no registry."""
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("package")
    except (OSError, ValueError):
        return set()  # Cargo says what is wrong with it
    tables = found if isinstance(found, list) else [found]
    names = (
        table.get("name")
        for table in tables
        if isinstance(table, dict) and "source" not in table
    )
    return {name for name in names if isinstance(name, str)}
