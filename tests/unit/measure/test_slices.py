from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchgate.measure import slices
from benchgate.measure.cargo import Bench, Executable, Target
from benchgate.measure.slices import SlicePlan
from benchgate.model import Failure, Round, Side
from tests import builders

# What an executable of criterion does, said in a few lines of shell.
SAMPLE = '{"iters":[%s],"times":[%s]}'
TEN = ",".join(["2"] * 10)


def bench(
    folder: Path, script: str, title: str = "sort", *, exact: bool = True
) -> Bench:
    """Return a benchmark of an executable that runs *script*."""
    path = folder / "bench"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    target = Target(folder, "shop", "1.2.3", "core", ())
    return Bench(title, Executable(target, path, exact=exact, fractions=exact))


def writing(times: str, title: str = "sort", place: str = "dir") -> str:
    """Return the script that leaves one measurement under *title*."""
    new = f'"$CRITERION_HOME/{place}/new"'
    identity = f'{{"full_id":"{title}","title":"{title}","directory_name":"{place}"}}'
    return (
        f"mkdir -p {new}\n"
        f"echo '{SAMPLE % (TEN, times)}' > {new}/sample.json\n"
        f"echo '{identity}' > {new}/benchmark.json\n"
    )


def run(made: Bench, raw: Path | None = None) -> Round:
    planned = SlicePlan(0.2, 10)
    path = made.executable.path
    return slices.run_slice(made, path, planned, suite="micro", env={}, raw=raw)


def failure(round_: Round) -> Failure:
    assert not round_.samples
    (found,) = round_.failures
    return found


@pytest.mark.parametrize(
    ("iteration", "samples"),
    [(None, 100), (0.0, 100), (1e-9, 100), (0.002, 100), (0.004, 50), (1.0, 10)],
)
def test_as_many_samples_as_fit_but_ten_at_least(
    iteration: float | None, samples: int
) -> None:
    assert slices.plan(0.2, iteration) == SlicePlan(0.2, samples)


def test_a_slice_becomes_a_sample_under_the_title(tmp_path: Path) -> None:
    read = run(bench(tmp_path, writing(",".join(["200"] * 10))))

    ((key, sample),) = read.samples.items()
    assert (key.suite, key.benchmark, key.metric) == ("micro", "sort", "time")
    assert sample.values == pytest.approx([100e-9] * 5)  # type: ignore[union-attr]


def test_of_several_the_one_with_the_title_counts(tmp_path: Path) -> None:
    script = writing(TEN, "sort", "a") + writing(",".join(["8"] * 10), "sort #2", "b")

    read = run(bench(tmp_path, script, "sort #2"))

    ((key, sample),) = read.samples.items()
    assert key.benchmark == "sort #2"
    assert sample.values == pytest.approx([4e-9] * 5)  # type: ignore[union-attr]


def test_what_was_measured_is_kept_as_messages(tmp_path: Path) -> None:
    raw = tmp_path / "raw" / "round.ndjson"

    run(bench(tmp_path, writing(TEN)), raw)
    run(bench(tmp_path, writing(TEN)), raw)

    line = (
        '{"reason":"benchmark-complete","id":"sort",'
        '"iteration_count":[2,2,2,2,2,2,2,2,2,2],'
        '"measured_values":[2.0,2.0,2.0,2.0,2.0,2.0,2.0,2.0,2.0,2.0],"unit":"ns"}\n'
    )
    assert raw.read_text() == line * 2


def test_a_panic_is_a_failure_with_the_last_lines(tmp_path: Path) -> None:
    read = run(bench(tmp_path, "echo one; echo panicked >&2; exit 101"))

    reason = "the benchmark ended with status 101"
    assert failure(read) == Failure("micro", "sort", reason, "one\npanicked")


def test_criterions_own_words_are_the_reason(tmp_path: Path) -> None:
    read = run(
        bench(tmp_path, "echo 'Criterion.rs ERROR: took zero time per iteration'")
    )

    assert failure(read).reason == "took zero time per iteration"


def test_nothing_measured_is_a_failure(tmp_path: Path) -> None:
    assert failure(run(bench(tmp_path, "true"))).reason == "it measured nothing"


def test_times_of_zero_are_a_failure_and_are_not_kept(tmp_path: Path) -> None:
    raw = tmp_path / "raw.ndjson"

    read = run(bench(tmp_path, writing(",".join(["0"] * 10))), raw)

    assert failure(read).reason == "a time is zero or negative"
    assert not raw.exists()


def test_a_benchmark_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "WITHIN", 0.2)

    read = run(bench(tmp_path, "echo started; exec sleep 60"))

    assert failure(read).reason == "the benchmark did not finish within 0.2 s"
    assert failure(read).detail.strip() == "started"


@pytest.mark.parametrize(
    ("title", "exact", "last"),
    [
        ("a (b)", True, ["--exact", "a (b)"]),
        ("a (b)", False, [r"^a \(b\)$"]),
        ("a/b #2", True, [r"^a/b(?: #\d+)?$"]),
        ("n" * 100 + "...", True, ["^" + "n" * 100]),
        ("n" * 100 + "... #2", True, ["^" + "n" * 100]),
    ],
)
def test_how_a_benchmark_is_asked_for(
    tmp_path: Path, title: str, *, exact: bool, last: list[str]
) -> None:
    script = 'for word in "$@"; do echo "$word"; done; exit 1'

    read = run(bench(tmp_path, script, title, exact=exact))

    assert failure(read).detail.splitlines()[-len(last) :] == last


def test_old_criterion_gets_whole_seconds(tmp_path: Path) -> None:
    read = run(bench(tmp_path, 'echo "$@"; exit 1', exact=False))

    assert "--warm-up-time 1 --measurement-time 1 " in failure(read).detail


def test_without_a_plan_the_authors_settings_count(tmp_path: Path) -> None:
    made = bench(tmp_path, 'echo "$@"; exit 1')

    read = slices.run_slice(made, made.executable.path, None, suite="s", env={})

    assert failure(read).detail == "--bench --noplot --exact sort"


def test_a_bench_finds_what_cargo_would_have_told_it(tmp_path: Path) -> None:
    made = bench(tmp_path, 'echo "$PWD $CARGO_MANIFEST_DIR $CARGO_PKG_NAME"; exit 1')

    assert failure(run(made)).detail == f"{tmp_path} {tmp_path} shop"


def slice_of(*values: float, failures: tuple[Failure, ...] = ()) -> Round:
    sample = builders.sample(*values, count=100)
    return Round({builders.key("sort"): sample}, failures)


def pair(base: float, head: float) -> Mapping[Side, Round]:
    return {Side.BASE: slice_of(base, base), Side.HEAD: slice_of(head, head)}


def test_the_pair_that_noise_disturbed_least_stands_for_its_layouts() -> None:
    burst, quiet, other = pair(1.0, 1.9), pair(1.0, 1.2), pair(1.3, 1.0)

    assert slices.quietest([burst, quiet, other]) is quiet


def test_who_is_base_and_who_is_head_makes_no_difference_to_the_choice() -> None:
    pairs = [pair(1.0, 1.9), pair(1.0, 1.2), pair(1.3, 1.0)]
    turned = [{Side.BASE: p[Side.HEAD], Side.HEAD: p[Side.BASE]} for p in pairs]

    chosen, choice = slices.quietest(pairs), slices.quietest(turned)

    assert pairs.index(chosen) == [dict(one) for one in turned].index(dict(choice))


def test_a_pair_of_which_a_slice_failed_stands_for_all() -> None:
    failed = Round({}, (Failure("micro", "sort", "it panicked"),))
    broken = {Side.BASE: slice_of(2.0), Side.HEAD: failed}

    assert slices.quietest([pair(1.0, 1.0), broken]) is broken


def test_a_pair_that_says_nothing_is_chosen_last() -> None:
    nothing = {Side.BASE: Round({}), Side.HEAD: Round({})}

    assert slices.quietest([nothing, pair(1.0, 0.0)])[Side.BASE].samples
    assert slices.quietest([nothing]) is nothing
