"""Every sentence: the decision, whether to act, and numbers that agree with it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchgate import accepted
from benchgate.acceptance import accept
from benchgate.errors import ConfigError
from benchgate.model import (
    Acceptance,
    Commit,
    Cost,
    Design,
    Doubt,
    Environment,
    Failure,
    Judgement,
    Metric,
    Missing,
    Outcome,
    Report,
    SeriesKey,
    Unit,
    Verdict,
)
from benchgate.render.rows import Row
from benchgate.render.text import Limits, view_of
from tests import reports

NOTHING_FOUND = "nothing slower was found, but "
CHECKED_OUT = "check out abababababab and run"
SLOWER = reports.judged("parse", 1e-6, 0.2)
FASTER = reports.judged("encode", 1e-6, -0.2)
SAME = reports.judged("route", 1e-6, 0.001)
OPEN = reports.judged("bind", 1e-6, 0.01, noise=0.2)
SUITE = replace(
    reports.judged("(all benchmarks)", 1.0, 0.05),
    comparison=replace(
        reports.judged("(all benchmarks)", 1.0, 0.05).comparison,
        metric=replace(reports.TIME, unit=Unit.ONE),
    ),
)


def report_of(*judgements: Judgement, outcome: Outcome = Outcome.PASSED) -> Report:
    return replace(reports.passed(), judgements=judgements, outcome=outcome)


def row_of(judgement: Judgement) -> Row:
    view = view_of(report_of(judgement))
    tables = (view.regressed, view.improved, view.inconclusive, view.unchanged)
    return next(row for table in (*tables, view.accepted) for row in table.rows)


def number(text: str) -> Decimal:
    digits = text.replace("\u2212", "-").replace(",", "")
    return Decimal(digits.removesuffix(" %").removesuffix(" pp"))


@pytest.mark.parametrize(
    ("outcome", "judgements", "headline"),
    [
        (Outcome.REGRESSED, (SLOWER, SAME), "regressed: 1 of 2 benchmarks is slower"),
        (Outcome.REGRESSED, (SLOWER,), "regressed: 1 of 1 benchmark is slower"),
        (
            Outcome.REGRESSED,
            (SUITE, SAME),
            "regressed: the benchmarks together are slower, though none alone is",
        ),
        (Outcome.PASSED, (SAME, OPEN, SUITE), None),
        (Outcome.PASSED, (SAME,), "passed: the benchmark is not slower"),
        (
            Outcome.PASSED,
            (FASTER, SAME),
            "passed: 1 of 2 benchmarks is faster, none is slower",
        ),
        (
            Outcome.PASSED,
            (OPEN, SAME),
            "passed: nothing slower was found, but 1 of 2 benchmarks could not be told",
        ),
        (Outcome.PASSED, (OPEN,), "passed: 1 of 1 benchmark could not be told"),
        (
            Outcome.PASSED,
            (replace(SLOWER, blocking=False), SAME),
            "passed: 1 of 2 benchmarks is slower, but that does not block",
        ),
        (Outcome.PASSED, (), "passed: there was nothing to compare with"),
        (
            Outcome.UNDECIDED,
            (OPEN, SAME),
            "undecided: 1 of 2 benchmarks could not be told",
        ),
        (Outcome.UNDECIDED, (SAME,), "undecided: this run allows no verdict"),
    ],
)
def test_the_first_line_is_the_decision(
    outcome: Outcome, judgements: tuple[Judgement, ...], headline: str | None
) -> None:
    view = view_of(report_of(*judgements, outcome=outcome))

    assert headline in {view.headline, None}


def test_nothing_found_and_could_not_tell_are_different_sentences() -> None:
    found = view_of(report_of(SAME, reports.judged("other", 1e-6, 0.0)))
    open_ones = view_of(report_of(SAME, replace(OPEN)))

    assert "none of 2 benchmarks is slower" in found.headline
    assert "could not be told" not in found.headline
    assert "1 of 2 benchmarks could not be told" in open_ones.headline


def test_the_suite_as_a_whole_is_no_benchmark() -> None:
    view = view_of(report_of(SLOWER, SUITE, SAME, outcome=Outcome.REGRESSED))

    assert view.headline == "regressed: 1 of 2 benchmarks is slower"
    assert view.regressed.rows[1].base == ""


def test_a_benchmark_with_two_metrics_is_counted_in_series() -> None:
    rows = [
        reports.judged("checkout", 0.02, 0.0, suite="load", metric=metric)
        for metric in (reports.MEDIAN, reports.TAIL)
    ]

    assert view_of(report_of(*rows)).headline == "passed: none of 2 series is slower"


def test_more_errors_are_worse_and_not_slower() -> None:
    row = reports.judged("checkout", 0.01, 0.02, noise=0.001, metric=reports.ERRORS)
    view = view_of(report_of(row, outcome=Outcome.REGRESSED))

    assert view.headline == "regressed: 1 of 1 benchmark is worse"


def test_failures_say_what_did_not_run() -> None:
    report = replace(
        report_of(SAME, outcome=Outcome.UNDECIDED),
        failed=(Failure("load", "", "x"), Failure("micro", "a", "y")),
        removed=(Missing("micro", "b"), Missing("micro", "c")),
    )

    assert view_of(report).headline == (
        "undecided: 1 suite did not run, 1 benchmark failed, 2 benchmarks are missing"
    )


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_second_line_says_whether_to_act(outcome: Outcome) -> None:
    action = view_of(report_of(SLOWER, outcome=outcome)).action

    assert action.startswith("Nothing to do" if outcome == "passed" else "Act: ")


def test_errors_are_shown_in_percentage_points() -> None:
    row = row_of(
        reports.judged("checkout", 0.004, 0.02, noise=0.001, metric=reports.ERRORS)
    )

    assert (row.base, row.head) == ("0.4 %", "2.4 %")
    assert (row.slowdown, row.margin) == (("+2 pp",), "0.1 pp")
    assert row.detectable == "+0.119 pp"
    assert row.bounds == "[+1.96, +2.04]"


def test_a_zero_base_of_errors_has_no_ratio_and_is_shown() -> None:
    row = row_of(
        reports.judged("checkout", 0.0, 0.02, noise=0.001, metric=reports.ERRORS)
    )

    assert (row.base, row.head) == ("0 %", "2 %")


@pytest.mark.parametrize(
    ("slowdown", "printed"),
    [(0.02001, "+2.001 %"), (0.0200001, "+2.00001 %"), (0.021, "+2.1 %")],
)
def test_a_regression_just_beyond_its_margin_does_not_read_as_the_margin(
    slowdown: float, printed: str
) -> None:
    row = row_of(reports.judged("parse", 1e-6, slowdown, noise=1e-6))

    assert (row.word, row.margin) == (Verdict.REGRESSED, "2 %")
    assert row.slowdown == (printed,)


@given(
    st.floats(-0.9, 5.0) | st.floats(0.0199, 0.0201) | st.floats(-0.0201, -0.0199),
    st.sampled_from([reports.TIME, reports.RATE, reports.TAIL, reports.ERRORS]),
    st.floats(1e-6, 0.01),
)
@settings(deadline=None)
def test_a_printed_number_never_contradicts_its_verdict(
    slowdown: float, metric: Metric, noise: float
) -> None:
    judgement = reports.judged("parse", 0.5, slowdown, noise=noise, metric=metric)
    row = row_of(judgement)
    margin = number(row.margin)
    change = number(row.slowdown[0])
    lo, hi = map(number, row.interval.split(" to "))

    assert (change > margin) or row.word != Verdict.REGRESSED
    assert (change < -margin) or row.word != Verdict.IMPROVED
    # 2 % slower is undone by 1.96 % faster.
    below = -margin if metric is reports.ERRORS else -margin / (1 + margin / 100)
    inside = below < lo and hi < margin
    assert inside or row.word != Verdict.UNCHANGED
    assert lo <= change <= hi


def test_the_margin_of_an_improvement_is_the_same_step_back() -> None:
    row = row_of(reports.judged("parse", 1e-6, -0.0199, noise=1e-5))

    assert (row.word, row.slowdown) == (Verdict.IMPROVED, ("\u22121.99 %",))
    assert row.margin == "1.96 %"


def test_what_is_beyond_measure_is_not_printed_to_the_last_digit() -> None:
    judgement = replace(OPEN, detectable=1e300)

    assert row_of(judgement).detectable == "over +1,000 %"


def test_a_judgement_without_an_interval_shows_its_reason() -> None:
    row = row_of(reports.untold("checkout", 0.1, "a round has no attempts to count"))

    assert row.slowdown == ("a round has no attempts to count",)
    assert (row.interval, row.detectable, row.needed) == ("", "", "")


def test_the_worst_benchmark_is_named_with_what_could_have_been_seen() -> None:
    rows = [
        reports.judged(name, 1e-6, 0.0, noise=noise)
        for name, noise in (("a", 0.01), ("b", 0.03), ("c", 0.02))
    ]

    assert "".join(view_of(report_of(*rows)).power) == (
        "This run would have caught a slowdown of +2.39 % (median; worst: b, +3.33 %)."
    )


def test_errors_are_left_out_of_the_median_of_changes() -> None:
    errors = reports.judged("x", 0.1, 0.0, noise=0.5, metric=reports.ERRORS)
    alone = view_of(report_of(SAME)).power

    assert view_of(report_of(SAME, errors)).power == alone
    assert "a rise of +" in "".join(view_of(report_of(errors)).power)


def test_a_doubt_is_written_once_and_marked_where_it_holds() -> None:
    rows = [
        reports.doubted(reports.judged(name, 1e-6, 0.2), text)
        for name, text in (("a", "first"), ("b", "second"), ("c", "first"))
    ]
    doubts = tuple(d for row in rows for d in row.comparison.doubts)
    view = view_of(replace(report_of(*rows), doubts=doubts))

    assert [row.marks for row in view.regressed.rows] == ["¹", "²", "¹"]
    assert ["".join(line) for line in view.notes.lines] == [
        "¹ first (2 series)",
        "² second",
    ]
    assert view.notes.summary == "2 doubts"


def test_a_name_says_no_more_than_tells_it_from_the_others() -> None:
    view = view_of(
        report_of(
            reports.judged("parse", 1e-6, 0.2),
            reports.judged("same", 1e-6, 0.2, suite="a"),
            reports.judged("same", 1e-6, 0.2, suite="b"),
            reports.judged("load", 0.1, 0.2, metric=reports.TAIL),
        )
    )

    assert ["".join(row.label) for row in view.regressed.rows] == [
        "parse",
        "a: same",
        "b: same",
        "load p99",
    ]


def test_the_lines_that_allow_are_yaml_with_the_exact_names() -> None:
    name = 'a "quoted": \u202ename\n😀'
    row = reports.judged(name, 1e-6, 0.118, noise=0.02)
    view = view_of(report_of(row, outcome=Outcome.REGRESSED))

    assert yaml.safe_load("\n".join(view.entry)) == [
        {
            "suite": "micro",
            "benchmark": name,
            "metric": "time",
            "max_slowdown": "13%",
            "reason": "",
            "owner": "",
            "expires": "",
        }
    ]


FILLED = {"reason": "wanted", "owner": "@dana", "expires": "2027-03-31"}


def test_the_lines_that_accept_do_so_once_they_are_filled_in() -> None:
    row = reports.judged("parse[x*]", 1e-6, 0.118, noise=0.02)
    text = "\n".join(view_of(report_of(row, outcome=Outcome.REGRESSED)).entry)
    for key, value in FILLED.items():
        text = text.replace(f'{key}: ""', f'{key}: "{value}"')

    entries = accepted.decode(text.encode(), name="x", today="2027-01-01")
    (decided,), doubts = accept([row], entries, today="2027-01-01")

    assert decided.accepted == Acceptance("wanted", "@dana", 0.13, "2027-03-31")
    assert doubts == ()


def test_the_lines_that_accept_are_refused_as_they_are() -> None:
    view = view_of(report_of(SLOWER, outcome=Outcome.REGRESSED))

    with pytest.raises(ConfigError, match="is empty: say why the team wants this"):
        accepted.decode("\n".join(view.entry).encode(), name="x", today="")


def test_more_than_three_regressions_are_counted_where_they_can_be_accepted() -> None:
    rows = [reports.judged(f"b{n}", 1e-6, 0.2) for n in range(5)]
    entry = view_of(report_of(*rows, outcome=Outcome.REGRESSED)).entry

    assert len(entry) == 3 * 7 + 1
    assert entry[-1] == "# 2 more can be accepted in the same way"


def test_only_shown_rows_count_against_the_limits() -> None:
    rows = tuple(reports.judged(f"{n}", 1e-6, 0.2) for n in range(5))
    view = view_of(report_of(*rows), limits=Limits(regressed=2))

    assert len(view.regressed.rows) == 2
    assert view.regressed.summary == "5 benchmarks regressed"
    assert view.regressed.cut == "3 more are not shown."
    none = view_of(report_of(*rows), limits=Limits(regressed=0))
    assert none.regressed.cut == "5 are not shown."


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (Cost(), ""),
        (Cost(measuring=0.2), "It took less than 1 s: measuring less than 1 s."),
        (Cost(building=61.0), "It took 1 min 1 s: building 1 min 1 s."),
        (
            Cost(building=3600.0, measuring=119.6),
            "It took 1 h 2 min: building 1 h 0 min, measuring 2 min 0 s.",
        ),
    ],
)
def test_minutes_are_said_as_people_say_them(cost: Cost, said: str) -> None:
    assert view_of(replace(reports.passed(), cost=cost)).cost == said


@pytest.mark.parametrize(
    ("head", "design", "said"),
    [
        (
            Commit("ab" * 20, "x"),
            Design.PAIRED,
            f"Reproduce: {CHECKED_OUT} `benchgate compare --base 1f3c9a7be02d`.",
        ),
        (
            Commit("ab" * 20, "x"),
            Design.STORED,
            f"Reproduce: {CHECKED_OUT} `benchgate compare --against baseline`.",
        ),
        (
            Commit("ab" * 20, "x", dirty=True),
            Design.PAIRED,
            "Reproduce: `benchgate compare --base 1f3c9a7be02d` in the same work tree.",
        ),
        (Commit("; rm -rf /", "x"), Design.PAIRED, ""),
        (Commit(), Design.PAIRED, ""),
    ],
)
def test_the_last_line_says_how_to_see_it_at_a_desk(
    head: Commit, design: Design, said: str
) -> None:
    view = view_of(replace(reports.passed(), head=head, design=design))

    assert "".join(view.reproduce) == said


def test_files_without_commits_are_not_called_unnamed() -> None:
    report = replace(reports.passed(), base=Commit(), head=Commit())

    assert view_of(report).subject == ("Base and head measured in pairs.",)


def test_what_is_equal_on_both_machines_is_said_once() -> None:
    base = Environment(cpu="A", vcpus=4)
    head = Environment(cpu="B", vcpus=4, libc="glibc")
    view = view_of(
        replace(reports.passed(), base_environment=base, head_environment=head)
    )

    assert {what: "".join(value) for what, value in view.environment} == {
        "cpu": "A on the base, B on the head",
        "vcpus": "4",
        "libc": "glibc on the head",
    }


def test_the_last_lines_of_a_tool_lose_their_colours_and_their_beginning() -> None:
    detail = "\x1b[1;31mfirst\x1b[0m\n" + "\n".join(f"\tline {n}" for n in range(12))
    report = replace(reports.undecided(), failed=(Failure("s", "", "r", detail),))
    lines = view_of(report).broken[0].detail

    assert lines == tuple(f"    line {n}" for n in range(12))


def test_reasons_are_said_where_nothing_else_explains_the_outcome() -> None:
    report = report_of(SAME, outcome=Outcome.UNDECIDED)

    assert view_of(replace(report, reasons=("no base",))).reasons == ("no base",)
    assert view_of(replace(reports.regressed(), reasons=("x",))).reasons == ()


@pytest.mark.parametrize(
    ("judgement", "remark"),
    [
        (replace(SLOWER, blocking=False), "does not block"),
        (
            replace(SLOWER, comparison=replace(SLOWER.comparison, weak=True)),
            "weak evidence: base and head were not measured in pairs",
        ),
        (SLOWER, ""),
        (replace(OPEN, reason="suite moved as a whole"), "suite moved as a whole"),
    ],
)
def test_a_remark_says_why_a_row_counts_less(judgement: Judgement, remark: str) -> None:
    assert "".join(row_of(judgement).remark) == remark


def test_the_probability_is_said_in_two_digits() -> None:
    assert row_of(replace(SAME, p_adjusted=0.123)).evidence == "20 pairs, p 0.12"
    assert row_of(replace(SAME, p_adjusted=None)).evidence == "20 pairs"


def test_a_side_without_a_value_has_no_evidence() -> None:
    row = row_of(replace(SAME, comparison=replace(SAME.comparison, base=None)))

    assert (row.base, row.evidence) == ("", "")


def test_intervals_of_unlike_confidence_have_a_plain_heading() -> None:
    assert SAME.slowdown is not None
    other = replace(
        reports.judged("other", 1.0, 0.0),
        slowdown=replace(SAME.slowdown, confidence=0.95),
    )

    assert view_of(report_of(SAME)).confidence == "90 % interval"
    assert view_of(report_of(SAME, other)).confidence == "interval"


def test_a_regression_without_a_blocking_series_still_has_a_headline() -> None:
    view = view_of(
        report_of(replace(SLOWER, blocking=False), outcome=Outcome.REGRESSED)
    )

    assert view.headline == "regressed: something got worse"


def test_one_thing_that_nothing_can_be_said_of_is_counted() -> None:
    open_one = reports.untold("checkout", 0.1, "x")

    assert view_of(report_of(open_one)).power == ()
    assert "Nothing can be said of 1 more." in "".join(
        view_of(report_of(SAME, open_one)).power
    )


def test_what_was_left_out_is_grouped_by_its_reason() -> None:
    left_out = (
        *(Doubt("same", SeriesKey("s", name, "")) for name in "abcd"),
        Doubt("the suite is off"),
    )
    listing = view_of(replace(reports.passed(), left_out=left_out)).left_out

    assert listing.summary == "5 benchmarks not measured"
    assert ["".join(line) for line in listing.lines] == [
        "a, b, c and 1 more: same",
        "the suite is off",
    ]


def test_a_doubt_about_a_series_that_was_not_judged_names_it() -> None:
    doubt = Doubt("vanished", SeriesKey("s", "gone", "time"))
    notes = view_of(replace(reports.passed(), doubts=(doubt,))).notes

    assert ["".join(line) for line in notes.lines] == ["gone: vanished"]


def test_errors_are_accepted_in_percentage_points() -> None:
    row = reports.judged("x", 0.004, 0.02, noise=0.001, metric=reports.ERRORS)
    accepted = replace(row, accepted=Acceptance("why", "@dana", 0.021, "2027-03-31"))

    assert "  max_slowdown: 2.04pp" in view_of(report_of(row)).entry
    assert "".join(row_of(accepted).remark) == (
        "accepted up to 2.1 pp by @dana until 2027-03-31: why"
    )


def by(judgement: Judgement, design: Design, rounds: int = 20) -> Judgement:
    """Return *judgement* as another design gave it."""
    comparison = judgement.comparison
    assert comparison.head is not None
    return replace(
        judgement,
        comparison=replace(
            comparison, design=design, head=replace(comparison.head, rounds=rounds)
        ),
    )


@pytest.mark.parametrize(
    ("design", "evidence"),
    [
        (Design.STORED, "1 round against 20 stored, p < 0.0001"),
        (Design.INDEPENDENT, "1 round against 20, p < 0.0001"),
    ],
)
def test_rounds_of_unequal_number_are_both_named(design: Design, evidence: str) -> None:
    assert row_of(by(SLOWER, design, rounds=1)).evidence == evidence


def test_what_settled_the_series_is_said_where_it_differs() -> None:
    other = reports.judged("other", 1e-6, 0.0)
    open_ = reports.judged("open", 1e-6, 0.019, noise=0.2)

    alike = view_of(report_of(SLOWER, other, open_))
    mixed = view_of(report_of(SLOWER, by(other, Design.STORED, 1), open_))

    assert alike.settled == ""
    assert mixed.settled == (
        "Series by what it took: 1 with 1 round against 20 stored, 1 with 20 pairs, "
        "1 with 20 pairs and still open."
    )


def test_weak_evidence_promises_no_rate_of_false_alarms() -> None:
    weak = replace(SLOWER, comparison=replace(SLOWER.comparison, weak=True))

    assert view_of(report_of(weak)).error_control.startswith("Weak evidence: ")


def test_what_is_cut_says_where_the_rest_is() -> None:
    rows = [reports.judged(f"b{n}", 1e-6, 0.3) for n in range(5)]
    view = view_of(
        report_of(*rows), limits=Limits(regressed=2), elsewhere="in the job summary"
    )

    assert view.regressed.cut == "3 more are in the job summary."


def test_what_is_said_of_many_series_is_said_once() -> None:
    rows = [
        replace(reports.judged(f"b{n}", 1e-6, 0.3), blocking=False) for n in range(5)
    ]
    told = view_of(report_of(*rows, reports.untold("c", 1.0, "too few requests")))

    assert ["".join(remark) for remark in told.regressed.remarks] == [
        "b0, b1, b2 and 2 more: does not block"
    ]
    assert ["".join(remark) for remark in told.inconclusive.remarks] == [
        "c p99: too few requests"
    ]


def test_what_is_open_alone_shows_what_would_settle_it() -> None:
    report = report_of(SAME, OPEN, outcome=Outcome.UNDECIDED)
    view = view_of(report)
    broken = view_of(replace(report, failed=(Failure("micro", "", "no", ""),)))

    assert view.is_open
    assert view.action.startswith("Act: run again with more rounds")
    assert not broken.is_open
    assert broken.action.startswith("Act: mend what is named here")


def test_where_no_base_was_measured_the_machine_is_the_heads() -> None:
    machines = view_of(reports.first_run()).environment

    assert dict(machines)["vcpus"] == ("4",)


def test_a_commit_against_itself_is_said_to_be_that() -> None:
    report = replace(reports.passed(), base=reports.passed().head)
    alone = view_of(reports.first_run())

    assert "".join(view_of(report).subject).endswith(" against itself.")
    assert view_of(report).reproduce
    assert "".join(alone.subject).endswith(" was measured alone.")
    assert alone.reproduce == ()


def test_a_commit_named_by_its_hash_is_named_once() -> None:
    sha = "1f3c9a7be02d4f5a9c1e88d70b6a5f4e3d2c1b0a"
    view = view_of(replace(reports.passed(), base=Commit(sha, sha)))

    assert "".join(view.subject).startswith("1f3c9a7be → faster-json ")
