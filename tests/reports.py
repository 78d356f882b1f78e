"""Reports as the core would build them, for everything that shows or stores one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from benchgate.model import (
    Acceptance,
    Account,
    Better,
    Commit,
    Comparison,
    Cost,
    Design,
    Doubt,
    Effect,
    Environment,
    ErrorControl,
    Failure,
    Interval,
    Judgement,
    Kind,
    Metric,
    Missing,
    Outcome,
    Report,
    SeriesKey,
    SideValue,
    Statement,
    Unit,
    Verdict,
    Work,
)

TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
MEDIAN = Metric("p50", Unit.SECOND, Better.LOWER, Kind.LATENCY)
TAIL = Metric("p99", Unit.SECOND, Better.LOWER, Kind.TAIL)
RATE = Metric("rate", Unit.PER_SECOND, Better.HIGHER, Kind.RATE)
ERRORS = Metric("errors", Unit.ONE, Better.LOWER, Kind.ERRORS)
MARGIN = {
    Kind.TIME: 0.02,
    Kind.LATENCY: 0.05,
    Kind.TAIL: 0.10,
    Kind.RATE: 0.05,
    Kind.ERRORS: 0.001,
}
PAIRS = 20
TESTS = 18
WOBBLE = (0.0, 0.0034, -0.0029, 0.0006, -0.0038, 0.0021, 0.0011)
# Student's t with 19 degrees of freedom: one-sided 5 %, 1 % of 18 tests, and 20 %.
BOUND, CRITICAL, POWER = 1.729, 4.015, 0.861

MACHINE = Environment(
    arch="x86_64",
    cpu="AMD EPYC 7763 64-Core Processor",
    vcpus=4,
    os_image="ubuntu-24.04",
    kernel="6.11.0-1018-azure",
    libc="glibc 2.39",
    governor="performance",
    toolchain="rustc 1.83.0",
    runner="ubuntu-latest",
    build="release, lto=thin",
    tools=(("cargo-criterion", "1.1.0"), ("k6", "0.55.0")),
)


def _short(value: float) -> float:
    """Return *value* without the digits that differ between platforms."""
    return float(f"{value:.12g}")


def judged(
    benchmark: str,
    base: float,
    slowdown: float,
    *,
    noise: float = 0.01,
    suite: str = "micro",
    metric: Metric = TIME,
) -> Judgement:
    """Return what 20 pairs say of a series whose pairs spread by *noise*.

    The verdict follows from the numbers, as in ``judge``.
    """
    kind = metric.kind
    plain = kind is Kind.ERRORS
    theta = slowdown if plain else math.log1p(slowdown)
    margin = MARGIN[kind]
    edge = margin if plain else math.log1p(margin)
    se = noise / math.sqrt(PAIRS)
    lo, hi = theta - BOUND * se, theta + BOUND * se
    seen = max(CRITICAL * se, edge) + POWER * se
    p = 0.5 * math.erfc(abs(theta) / se / math.sqrt(2))
    adjusted = min(1.0, p * TESTS)

    def change(of: float) -> float:
        return of if plain else math.expm1(of)

    if adjusted < 0.01 and theta > edge:
        verdict = Verdict.REGRESSED
    elif adjusted < 0.01 and theta < -edge:
        verdict = Verdict.IMPROVED
    elif -edge < lo and hi < edge:
        verdict = Verdict.UNCHANGED
    else:
        verdict = Verdict.INCONCLUSIVE
    grown = math.exp(theta if metric.better is Better.LOWER else -theta)
    wanted = (CRITICAL + POWER) * noise / (2 * edge)
    rounds = 2 * math.ceil(wanted * wanted / 2)
    return Judgement(
        comparison=Comparison(
            key=SeriesKey(suite, benchmark, metric.name),
            metric=metric,
            base=SideValue(base, PAIRS),
            head=SideValue(_short(base + slowdown if plain else base * grown), PAIRS),
            effect=Effect(
                theta=_short(theta),
                se=_short(se),
                p_slower=_short(p if theta > 0 else 1 - p),
                p_faster=_short(p if theta < 0 else 1 - p),
                bound=BOUND,
                critical=CRITICAL,
                power=POWER,
                spread=noise,
                units=PAIRS,
                rounds=PAIRS,
            ),
            reason="",
            weak=False,
            design=Design.PAIRED,
        ),
        verdict=verdict,
        reason="",
        blocking=True,
        accepted=None,
        slowdown=Interval(slowdown, _short(change(lo)), _short(change(hi)), 0.90),
        p=_short(p),
        p_adjusted=_short(adjusted),
        margin=margin,
        detectable=_short(change(seen)),
        rounds_needed=rounds if rounds <= 200 else None,
    )


def untold(benchmark: str, base: float, reason: str) -> Judgement:
    """Return a series about which nothing can be said, for *reason*."""
    told = judged(benchmark, base, 0.0, suite="load", metric=TAIL)
    comparison = replace(told.comparison, effect=None, reason=reason)
    return replace(
        told,
        comparison=comparison,
        verdict=Verdict.INCONCLUSIVE,
        reason=reason,
        slowdown=None,
        p=None,
        p_adjusted=None,
        detectable=None,
        rounds_needed=None,
    )


def doubted(judgement: Judgement, text: str) -> Judgement:
    """Return *judgement* with a doubt about its series."""
    comparison = judgement.comparison
    doubt = Doubt(text, comparison.key)
    return replace(judgement, comparison=replace(comparison, doubts=(doubt,)))


def explained(judgement: Judgement, account: Account, **more: Any) -> Judgement:
    """Return *judgement* with what counted work says of it: how much *more* there is.

    A change of the instructions is a fraction; the rest are numbers an iteration.
    """
    base = Work(20_410.0, 5.0, 0.0)
    head = Work(
        base.instructions * (1 + more.get("instructions", 0.0)),
        base.allocations + more.get("allocations", 0.0),
        base.system_calls + more.get("system_calls", 0.0),
    )
    said = replace(Statement(account, base, head, precision=0.001), **more)
    return replace(judgement, statement=said)


def quiet(benchmarks: tuple[str, ...]) -> tuple[Judgement, ...]:
    """Return micro benchmarks that stayed as they were."""
    return tuple(
        judged(name, _short(4.1e-8 * 3.3 ** (n % 9)), WOBBLE[n % 7], noise=0.005)
        for n, name in enumerate(benchmarks)
    )


QUIET = (
    "cart/add/1",
    "cart/add/100",
    "cart/total",
    "catalog/find",
    "catalog/page",
    "json/encode/100",
    "json/parse/1",
    "json/parse/10000",
    "router/match",
    "session/decode",
    "session/encode",
    "sql/bind",
    "stock/reserve",
    "tax/compute",
)


def passed() -> Report:
    """Nothing moved, and everything could be told."""
    return Report(
        outcome=Outcome.PASSED,
        reasons=(),
        base=Commit("1f3c9a7be02d4f5a9c1e88d70b6a5f4e3d2c1b0a", "main"),
        head=Commit("c07dd1e5a9b84c63f2107e9d8b6a5c4f3e2d1c0b", "faster-json"),
        design=Design.PAIRED,
        base_environment=MACHINE,
        head_environment=MACHINE,
        differences=(),
        error_control=ErrorControl("holm", 0.01, TESTS),
        judgements=quiet(QUIET),
        added=(),
        removed=(),
        failed=(),
        left_out=(),
        doubts=(),
        cost=Cost(building=94.0, measuring=156.0),
    )


def regressed() -> Report:
    """Two benchmarks are slower, one is faster, one could not be told."""
    slower = (
        explained(
            doubted(
                judged("json/parse/100", 1.53e-6, 0.118, noise=0.02),
                "measured in 18 of 20 rounds",
            ),
            Account.MORE_WORK,
            instructions=0.125,
            allocations=2.0,
        ),
        explained(judged("sql/bind", 8.41e-7, 0.0203, noise=0.001), Account.SAME_WORK),
    )
    faster = (judged("router/match", 2.2e-7, -0.083, noise=0.015),)
    open_one = (
        explained(
            judged("cart/total", 9.7e-5, 0.021, noise=0.06),
            Account.UNTOLD,
            instructions=0.008,
            precision=0.012,
        ),
    )
    rest = tuple(
        n for n in QUIET if n not in {"sql/bind", "router/match", "cart/total"}
    )
    return replace(
        passed(),
        outcome=Outcome.REGRESSED,
        reasons=("2 series regressed",),
        judgements=(*slower, *open_one, *faster, *quiet(rest)),
        added=(Missing("micro", "json/parse/stream"),),
        left_out=tuple(
            Doubt(
                "its crate does not depend on a changed file",
                SeriesKey("micro", f"search/{n}", ""),
            )
            for n in ("index", "query", "rank", "stem", "score")
        ),
    )


def undecided() -> Report:
    """A load test and a micro benchmark: some failed, one is gone, much is open."""
    told = judged("checkout", 1840.0, 0.012, noise=0.01, suite="load", metric=RATE)
    judgements = (
        untold(
            "checkout",
            0.084,
            "1800 requests have about 18 beyond p99, 20 are needed: measure longer",
        ),
        judged("checkout", 0.0213, 0.061, noise=0.09, suite="load", metric=MEDIAN),
        judged("checkout", 0.0004, 0.0006, noise=0.0021, suite="load", metric=ERRORS),
        judged("cart/total", 9.7e-5, 0.012, noise=0.2),
        told,
        *quiet((*QUIET[:2], *QUIET[3:5])),
    )
    other = replace(MACHINE, cpu="Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz")
    return replace(
        passed(),
        outcome=Outcome.UNDECIDED,
        reasons=(
            "2 failures",
            "1 benchmark of the base is missing from the head",
        ),
        judgements=judgements,
        head_environment=other,
        differences=(f"cpu: {MACHINE.cpu} on the base, {other.cpu} on the head",),
        added=(Missing("micro", "session/decode_v2", likely="session/decode"),),
        removed=(Missing("micro", "session/decode", likely="session/decode_v2"),),
        failed=(
            Failure(
                "load",
                "",
                "k6 exited with 107, a script error",
                "running (0m04.2s), 10/10 VUs, 312 complete iterations\n"
                "\x1b[31mERRO\x1b[0m[0004] TypeError: Cannot read property 'id' of "
                "undefined\n\tat checkout (file:///load/checkout.js:31:18)",
            ),
            Failure("micro", "json/parse/100", "it panicked while it was measured"),
        ),
        doubts=(
            Doubt("other processes used 31 % of the CPU: close them or raise `rounds`"),
        ),
    )


def accepted() -> Report:
    """One regression is accepted, another only watched."""
    slower = judged("json/parse/100", 1.53e-6, 0.118, noise=0.02)
    watched = judged("json/parse/1", 8.8e-8, 0.041, noise=0.01)
    acceptance = Acceptance("Validation added, #418", "@dana", 0.15, "2027-03-31")
    return replace(
        passed(),
        judgements=(
            replace(slower, accepted=acceptance),
            replace(watched, blocking=False),
            *quiet(QUIET[:4]),
        ),
    )


def first_run() -> Report:
    """There is nothing to compare with yet."""
    head = passed().head
    return replace(
        passed(),
        base=head,
        base_environment=Environment(),
        judgements=(),
        error_control=ErrorControl("holm", 0.01, 0),
        added=(),
    )


HOSTILE = (
    "a|b|c",
    "a\\|b\\",
    "`tick` ``two`` ```",
    "line\nbreak\r\n| x | y |",
    "\x1b[31mred\x1b[0m\x07",
    "\u202eesrever\u2066 \u200b",
    "<img src=x onerror=alert(1)> --> <!--",
    "@octocat #1 GH-7 https://example.org www.example.org",
    "[link](javascript:alert(1)) ![i](https://example.org/i.png)",
    "**bold** _it_ ~~no~~ $x$ :+1: </details>",
    "::error::forged",
    "",
    " ",
    "日本語/ベンチ",
    "x" * 10_000,
    "{{ view }} {% raw %}",
)


def hostile() -> Report:
    """Every string that somebody else chose is as bad as it can be."""
    report = undecided()
    bad = " ".join(HOSTILE[:14])
    judgements = tuple(
        doubted(
            replace(
                judged(name, 1e-6, 0.5 - n / 100, noise=0.02, suite=HOSTILE[-n]),
                accepted=Acceptance(bad, bad, 0.6, bad) if n % 2 else None,
            ),
            bad,
        )
        for n, name in enumerate(HOSTILE)
    )
    return replace(
        report,
        reasons=(bad,),
        base=Commit(bad, bad),
        head=Commit(bad, bad, dirty=True),
        judgements=(*judgements, untold(bad, 1.0, bad)),
        base_environment=replace(MACHINE, cpu=bad, tools=((bad, bad),)),
        differences=(bad,),
        added=(Missing(bad, bad, bad),),
        removed=(Missing(bad, bad, bad),),
        failed=(Failure(bad, bad, bad, bad),),
        left_out=(Doubt(bad, SeriesKey(bad, bad, bad)),),
        doubts=(Doubt(bad), Doubt(bad, SeriesKey(bad, bad, bad))),
    )


def huge(series: int = 500) -> Report:
    """A report of *series* series with long names, a tenth of them regressed."""
    judgements = [
        judged(
            f"workspace/crate_{n:03}/module_with_a_long_name/function/{n}",
            1e-6 * (1 + n % 7),
            0.3 * (1 - n / series) if n < series // 10 else WOBBLE[n % 7],
            noise=0.2 if series // 10 <= n < series // 5 else 0.01,
        )
        for n in range(series)
    ]
    return replace(
        regressed(),
        judgements=tuple(judgements),
        error_control=ErrorControl("holm", 0.01, series),
    )
