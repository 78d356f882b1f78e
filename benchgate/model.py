"""The nouns: what is measured, compared, judged and reported.

Every type is frozen and holds no behaviour beyond reading itself.
Numbers are in base units (seconds, bytes, 1/s, 1), fractions are never percent,
and a positive slowdown is always worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """The base units; prefixes are added when a number is shown."""

    SECOND = "s"
    BYTE = "B"
    PER_SECOND = "1/s"
    ONE = "1"


class Better(StrEnum):
    """The direction in which a metric gets better."""

    LOWER = "lower"
    HIGHER = "higher"


class Kind(StrEnum):
    """What sort of thing a metric is: the policy has one margin for each."""

    TIME = "time"
    LATENCY = "latency"
    TAIL = "tail"
    RATE = "rate"
    COST = "cost"
    ERRORS = "errors"
    COUNT = "count"
    SIZE = "size"


class Statistic(StrEnum):
    """How the measurements of one round become one number."""

    MIN = "min"
    Q02 = "q02"
    Q10 = "q10"
    MEDIAN = "median"
    MEAN = "mean"
    VALUE = "value"


SLICE_STATISTICS = (
    Statistic.MIN,
    Statistic.Q02,
    Statistic.Q10,
    Statistic.MEDIAN,
    Statistic.MEAN,
)
ONE_VALUE = (Statistic.VALUE,)


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured of a benchmark."""

    name: str
    unit: Unit
    better: Better
    kind: Kind


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """One metric of one benchmark of one suite, over rounds and commits."""

    suite: str
    benchmark: str
    metric: str

    def __hash__(self) -> int:
        """Return a hash of strings that keep their own; a tuple keeps none."""
        return hash(self.benchmark) ^ hash(self.metric)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one round measured of one series, as statistics of that round.

    ``values`` belong to ``statistics``, position by position; all are positive.
    ``primary`` is the statistic for comparisons that choose none.
    ``count`` is how many measurements (criterion) or requests (k6) they come from.
    ``points`` are the single measurements in rising order, kept only where a tail
    has to be taken over several rounds; otherwise empty.
    """

    metric: Metric
    statistics: tuple[Statistic, ...]
    values: tuple[float, ...]
    primary: Statistic
    count: int
    points: tuple[float, ...] = ()

    def value(self, statistic: Statistic) -> float:
        """Return the value of *statistic*, which this sample must have."""
        return self.values[self.statistics.index(statistic)]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened in one round: errors among requests."""

    metric: Metric
    events: int
    trials: int


Reading = Sample | Tally


@dataclass(frozen=True, slots=True)
class Failure:
    """A benchmark, or with ``benchmark`` empty a whole suite, that did not run.

    ``reason`` is one sentence; ``detail`` the last lines of what the tool printed.
    """

    suite: str
    benchmark: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason to trust a result less, and what would mend it.

    ``series`` is None when it concerns the whole comparison.
    """

    text: str
    series: SeriesKey | None = None


@dataclass(frozen=True, slots=True)
class HostLoad:
    """What was seen of the machine while a round was measured.

    ``load`` is the one-minute load average; ``others`` the share of all CPU time
    that processes used which are not of ours, ``steal`` the share that the
    hypervisor took, ``throttled`` the one in which the limit of our container held
    us back.
    ``frequency`` is the mean clock of the CPUs as a share of their highest,
    ``overheated`` how often one of them slowed down because it was too hot.
    ``cpu_limit`` is in CPUs, ``memory_limit`` in bytes: what the container allows.
    What the system doesn't tell, or doesn't limit, is None.
    """

    load: float
    others: float
    steal: float
    throttled: float | None = None
    frequency: float | None = None
    overheated: int | None = None
    cpu_limit: float | None = None
    memory_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One execution of the suites on one side; a file is a round or a part of it.

    ``started_at`` is in seconds since 1970, None where the source doesn't say.
    """

    samples: Mapping[SeriesKey, Reading]
    failures: tuple[Failure, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    started_at: float | None = None
    load: HostLoad | None = None


class Side(StrEnum):
    """Base or head: the two commits that are compared."""

    BASE = "base"
    HEAD = "head"


UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Environment:
    """What must match before numbers of two runs are compared."""

    arch: str = UNKNOWN
    cpu: str = UNKNOWN
    vcpus: int = 0
    os_image: str = UNKNOWN
    kernel: str = UNKNOWN
    libc: str = UNKNOWN
    governor: str = UNKNOWN
    toolchain: str = UNKNOWN
    runner: str = UNKNOWN
    build: str = UNKNOWN
    tools: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Return what two runs must share to be comparable, as one line."""
        vcpus = str(self.vcpus) if self.vcpus else UNKNOWN
        parts = (
            self.arch,
            self.cpu,
            vcpus,
            self.os_image,
            self.libc,
            self.toolchain,
            self.runner,
        )
        return " | ".join(parts)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as people name it; ``dirty`` means with uncommitted changes."""

    sha: str = ""
    ref: str = ""
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """All rounds of one side."""

    commit: Commit
    environment: Environment
    rounds: tuple[Round, ...]


class Design(StrEnum):
    """How base and head were measured, and so how they are compared."""

    PAIRED = "paired"
    INDEPENDENT = "independent"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class Cost:
    """Where the minutes went, in seconds."""

    building: float = 0.0
    measuring: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """What one iteration of a benchmark does, counted instead of timed.

    ``instructions`` are those outside of the kernel, ``allocations`` the calls that
    ask the C library for memory.
    """

    instructions: float
    allocations: float
    system_calls: float


@dataclass(frozen=True, slots=True)
class Witness:
    """What else was seen of one benchmark, under the head's name, beside its time.

    ``base`` and ``head`` hold equally many counts of the same executables, which tell
    how far a count can be trusted; with none of both ``reason`` says why.
    """

    suite: str
    benchmark: str
    base: tuple[Work, ...]
    head: tuple[Work, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Both sides of one comparison, or one side alone: what a run document holds.

    ``share_of_error`` is the part of the allowed error that the last look may
    spend: 1 where there was only one look.
    ``left_out`` are benchmarks that were not measured, each with its reason.
    ``cleared`` is what stored runs had shown to be unchanged, so that it was not
    measured in pairs.
    ``witnesses`` tell what else changed in benchmarks that seem to be slower.
    ``as_built`` are pairs of rounds of a few benchmarks, base and head, by the
    executables that Cargo linked, and not in the layouts that the others were drawn in.
    """

    base: Run | None
    head: Run
    design: Design
    share_of_error: float = 1.0
    left_out: tuple[Doubt, ...] = ()
    cleared: tuple[Comparison, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    as_built: tuple[Run, Run] | None = None
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its bounds; ``confidence`` is two-sided coverage."""

    point: float
    lo: float
    hi: float
    confidence: float


@dataclass(frozen=True, slots=True)
class SideValue:
    """What one side of a comparison shows: a typical value over its rounds."""

    value: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Effect:
    """The change of one series and how sure it is, before any policy.

    ``theta`` is the oriented log change (for tallies the difference of rates),
    ``se`` its standard error; ``p_slower`` and ``p_faster`` are one-sided.
    ``bound``, ``critical`` and ``power`` say how many standard errors make a
    one-sided 95 % bound, a rejection at the level of one test, and the step from
    there to four in five caught.
    ``spread`` is the standard deviation of one unit (one pair, one round), and
    ``units`` how many equally good ones the used of ``rounds`` are worth.
    """

    theta: float
    se: float
    p_slower: float
    p_faster: float
    bound: float
    critical: float
    power: float
    spread: float
    units: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One series on both sides.

    ``effect`` is None when nothing can be said, and ``reason`` then says why.
    ``design`` is how this series was measured; a report may mix them.
    ``tested`` is false where it could not have regressed whatever side its numbers
    had been measured on: such a series takes no part of the allowed error.
    """

    key: SeriesKey
    metric: Metric
    base: SideValue | None
    head: SideValue | None
    effect: Effect | None
    reason: str
    weak: bool
    design: Design
    tested: bool = True
    doubts: tuple[Doubt, ...] = ()


class Verdict(StrEnum):
    """What is said of one series."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A regression that the team wants.

    ``ceiling`` is the largest slowdown it holds for, as a fraction, for tallies as a
    difference of rates; ``expires`` is the last day on which it holds, as an ISO date.
    """

    reason: str
    owner: str
    ceiling: float
    expires: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """One entry of ``benchgate.accepted.yml``: a series, and how much it may slow."""

    key: SeriesKey
    acceptance: Acceptance


class Account(StrEnum):
    """How much of a slowdown the counted work accounts for."""

    MORE_WORK = "more work"
    SOME_WORK = "some more work"
    SAME_WORK = "same work"
    UNTOLD = "untold"
    UNCOUNTED = "uncounted"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a witness says of a slowdown; it never changes a verdict.

    ``base`` and ``head`` are the means of the counts, None where nothing was counted,
    for a ``reason``. ``instructions`` is the change as a fraction of the base, and
    ``precision`` how far the counts allow it to be off. ``allocations`` and
    ``system_calls`` say how many more an iteration makes, 0 where it isn't certain
    that there are more.
    """

    account: Account
    base: Work | None = None
    head: Work | None = None
    instructions: float = 0.0
    precision: float = 0.0
    allocations: float = 0.0
    system_calls: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A comparison with its verdict under the policy.

    ``slowdown`` is exp(theta) - 1, for tallies the difference of rates; None when
    nothing can be said. ``margin`` is the smallest slowdown worth blocking,
    ``detectable`` the smallest true slowdown that this run would have caught in
    four of five cases; ``rounds_needed`` how many rounds would catch one of twice
    the margin, None where no number of rounds can tell. ``statement`` says what else
    changed, where that was looked at.
    """

    comparison: Comparison
    verdict: Verdict
    reason: str
    blocking: bool
    accepted: Acceptance | None
    slowdown: Interval | None
    p: float | None
    p_adjusted: float | None
    margin: float
    detectable: float | None
    rounds_needed: int | None
    statement: Statement | None = None

    @property
    def key(self) -> SeriesKey:
        """Return the series that was judged."""
        return self.comparison.key


class Outcome(StrEnum):
    """The decision of the gate."""

    PASSED = "passed"
    REGRESSED = "regressed"
    UNDECIDED = "undecided"


class Answer(StrEnum):
    """What a policy does with something that is not a clear regression."""

    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class SeriesRule:
    """An exception for the series that match ``pattern`` (``suite:benchmark``).

    None leaves a thing as it is.
    """

    pattern: str
    blocking: bool | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the team calls a regression, and what fails.

    ``widen`` multiplies the standard errors of comparisons with stored runs: 1, or
    what a calibration on the team's own history found.
    """

    false_alarms: float
    widen: float
    margins: Mapping[Kind, float]
    absolute: Mapping[Kind, float]
    on_inconclusive: Answer
    on_weak: Answer
    on_missing: Answer
    series: tuple[SeriesRule, ...]


@dataclass(frozen=True, slots=True)
class ErrorControl:
    """How the allowed share of false alarms is kept over many series."""

    method: str
    level: float
    tests: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A benchmark that only one side has."""

    suite: str
    benchmark: str
    likely: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that any output shows, in the order in which it is shown."""

    outcome: Outcome
    reasons: tuple[str, ...]
    base: Commit
    head: Commit
    design: Design
    base_environment: Environment
    head_environment: Environment
    differences: tuple[str, ...]
    error_control: ErrorControl
    judgements: tuple[Judgement, ...]
    added: tuple[Missing, ...]
    removed: tuple[Missing, ...]
    failed: tuple[Failure, ...]
    left_out: tuple[Doubt, ...]
    doubts: tuple[Doubt, ...]
    cost: Cost
