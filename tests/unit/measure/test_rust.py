"""What the source of a bench proves, and what it doesn't."""

from __future__ import annotations

import pytest

from benchgate.doctor import Smell
from benchgate.measure.rust import pure_functions, spots

HELPERS = """
use tokio::runtime::{Builder, Runtime};
fn fib(n: u64) -> u64 { n }
fn walk(n: u64) {}
fn checked(n: u64) -> Result<(), Error> { Ok(()) }
fn fill(into: &mut Vec<u64>) -> usize { 1 }
fn send(to: &Sender<u64>, n: u64) -> bool { true }
fn black_box<T>(x: T) -> T { x }
fn drop_all(n: u64) -> u64 { n }
impl Parser {
    fn parse_it(&self, n: u64) -> u64 { n }
    fn of(n: u64) -> Parser { Parser }
}
async fn answer(n: u64) -> u64 { n }
fn workers() -> Runtime { Builder::new_multi_thread().build().unwrap() }
fn one() -> Runtime { Builder::new_current_thread().build().unwrap() }
static SHARED: Lazy<Runtime> = Lazy::new(|| Runtime::new().unwrap());
"""
TIMED = 'fn bench(c: &mut Criterion) {{ c.bench_function("x", |b| {}); }}'


def smells_in(text: str, helpers: str = HELPERS) -> list[tuple[Smell, str]]:
    """Return what is found in a bench of *text*, and the code of it."""
    source = (helpers + text).encode()
    found = spots(source, path="benches/x.rs", pure=pure_functions([source]))
    return [(spot.smell, spot.code) for spot in found]


def smells_of(timed: str) -> list[tuple[Smell, str]]:
    """Return what is found where ``b`` does *timed*."""
    return smells_in(TIMED.format(timed))


def test_a_place_is_a_file_and_a_line() -> None:
    source = b"\n\nfn f(b: B) { b.iter(|| fib(20)); }\n"

    (spot,) = spots(source, path="benches/x.rs", pure=())

    assert (spot.place, spot.code) == ("benches/x.rs:3", "fib(20)")


@pytest.mark.parametrize(
    ("timed", "code"),
    [
        ("b.iter(|| fib(20))", "fib(20)"),
        ("b.iter(|| { fib(-20) })", "fib(-20)"),
        ("b.iter(|| black_box(fib(20)))", "fib(20)"),
        ("b.iter(|| maths::fib::<u64>(20, true).unwrap())", None),
        ("b.to_async(&rt).iter(|| async { answer(3).await })", "answer(3)"),
        ('b.iter(|| "12".parse::<u32>().unwrap())', '"12".parse::<u32>()'),
    ],
    ids=["call", "block", "boxed result", "path", "async", "parse"],
)
def test_an_input_that_is_a_constant_is_found(timed: str, code: str | None) -> None:
    expected = code or "maths::fib::<u64>(20, true)"

    assert smells_of(timed) == [(Smell.LITERAL_INPUT, expected)]


@pytest.mark.parametrize(
    "timed",
    [
        "b.iter(|| fib(black_box(20)))",
        "b.iter(|| fib(n))",
        "b.iter(|| fib(n, 20))",
        "b.iter(|| map.get(20))",
        "b.iter(|| now())",
        "b.iter(|| Vec::<u8>::with_capacity(20))",
        "b.iter(|| Wrapper(20))",
        "b.iter(|| from_millis(20))",
        "b.iter(|| { let v = fib(20); v + 1 })",
        "b.iter_batched(|| fib(20), |n| fib(n), BatchSize::SmallInput)",
        "values.iter().map(|n| fib(20))",
    ],
)
def test_an_input_that_is_none_or_no_constant_is_not(timed: str) -> None:
    assert smells_of(timed) == []


@pytest.mark.parametrize(
    ("timed", "code"),
    [
        ("b.iter(|| { fib(n); })", "fib(n)"),
        ("b.iter(|| { fib(black_box(n)); })", "fib(black_box(n))"),
        ("b.iter(|| { for n in &all { fib(*n); } })", "fib(*n)"),
        ("b.iter(|| { let _ = Parser::of(n); })", "Parser::of(n)"),
        ("b.iter(|| { text.parse::<u32>().unwrap(); })", "text.parse::<u32>()"),
        ("b.iter_batched(|| 1, |n| { fib(n); }, Small)", "fib(n)"),
        ("b.to_async(rt).iter(|| async { answer(n).await; })", "answer(n)"),
    ],
    ids=["call", "boxed input", "loop", "let _", "method", "batched", "async"],
)
def test_a_result_that_is_dropped_is_found(timed: str, code: str) -> None:
    assert smells_of(timed) == [(Smell.DROPPED_RESULT, code)]


@pytest.mark.parametrize(
    "timed",
    [
        "b.iter(|| { black_box(fib(n)); })",
        "b.iter(|| { let v = fib(n); black_box(v); })",
        "b.iter(|| { all.push(fib(n)); })",
        "b.iter(|| { walk(n); })",
        "b.iter(|| { checked(n).unwrap(); })",
        "b.iter(|| { fill(&mut all); })",
        "b.iter(|| { send(&to, n); })",
        "b.iter(|| { parser.parse_it(n); })",
        "b.iter(|| { drop(fib(n)); })",
        "b.iter(|| { elsewhere::fibonacci(n); })",
        "b.iter(|| { all.iter().map(|n| black_box(n)).count(); })",
        "b.iter(|| { run(|| { fib(n); }) })",
        "b.iter_custom(|n| { fib(n); elapsed })",
        "other(|| { fib(n); })",
    ],
)
def test_a_call_that_may_do_more_than_make_a_result_is_not(timed: str) -> None:
    assert smells_of(timed) == []


def test_a_name_with_two_meanings_is_only_believed_if_both_are_pure() -> None:
    other = "fn fib(n: &mut u64) -> u64 { *n }"

    found = smells_in(TIMED.format("b.iter(|| { fib(n); })"), HELPERS + other)

    assert found == []


def blocking(runtime: str, timed: str = "b.iter(|| rt.block_on(answer(n)))") -> str:
    return f'fn bench(c: &mut C) {{ {runtime} c.bench_function("x", |b| {timed}); }}'


@pytest.mark.parametrize(
    "runtime",
    [
        "let rt = Runtime::new().unwrap();",
        "let rt = tokio::runtime::Runtime::new().unwrap();",
        "let rt = Builder::new_multi_thread().worker_threads(2).build().unwrap();",
        "let rt = workers();",
        "let rt = one(); let rt = workers();",
    ],
)
def test_entering_a_runtime_with_workers_each_time_is_found(runtime: str) -> None:
    found = smells_in(blocking(runtime))

    assert found == [(Smell.BLOCK_ON_WORKERS, "rt.block_on(…)")]


def test_a_runtime_in_a_static_is_found() -> None:
    found = smells_in(blocking("", "b.iter(|| SHARED.block_on(answer(n)))"))

    assert found == [(Smell.BLOCK_ON_WORKERS, "SHARED.block_on(…)")]


@pytest.mark.parametrize(
    "runtime",
    [
        "let rt = Builder::new_current_thread().build().unwrap();",
        "let rt = one();",
        "let rt = workers(); let rt = one();",
        "let rt = made_elsewhere();",
        "",
    ],
)
def test_a_runtime_of_one_thread_or_of_nobody_knows_which_is_not(runtime: str) -> None:
    assert smells_in(blocking(runtime)) == []


def test_a_runtime_that_is_not_tokios_is_not() -> None:
    other = "use compio::runtime::Runtime;"

    assert smells_in(blocking("let rt = Runtime::new().unwrap();"), other) == []


def test_entering_a_runtime_once_for_all_iterations_is_not() -> None:
    timed = "b.to_async(&rt).iter(|| answer(n))"

    assert smells_in(blocking("let rt = workers();", timed)) == []


def test_blocking_outside_of_what_is_timed_is_not() -> None:
    setup = "let rt = workers(); let data = rt.block_on(answer(1));"

    assert smells_in(blocking(setup, "b.iter(|| fib(data))")) == []


def test_blocking_inside_of_an_async_benchmark_is_found() -> None:
    timed = "b.to_async(&rt).iter(|| async { block_on(answer(n)) })"

    assert smells_of(timed) == [(Smell.BLOCK_ON_IN_ASYNC, "block_on(answer(n))")]


@pytest.mark.parametrize(
    ("set_to", "few"),
    [
        ("group.sample_size(10);", True),
        ("group.sample_size(4_9).bench_function(f);", True),
        ("group.sample_size(50);", False),
        ("group.sample_size(1_000);", False),
        ("group.sample_size(SAMPLES);", False),
        ("Criterion::default().sample_size(10);", False),
        ("criterion_group!{ config = Criterion::default().sample_size(10); }", False),
    ],
)
def test_few_samples_count_where_code_beats_the_flags(
    set_to: str, *, few: bool
) -> None:
    found = smells_in(f"fn bench(c: &mut Criterion) {{ {set_to} }}")

    assert [smell for smell, _ in found] == [Smell.FEW_SAMPLES] * few


@pytest.mark.parametrize("source", ["", "fn f( {{{ |||", "\x00\xff", "b.iter(|| "])
def test_what_is_no_rust_is_no_crash(source: str) -> None:
    assert smells_in(source) == []


def test_long_code_is_cut_to_a_line() -> None:
    ((_, code),) = smells_of(f"b.iter(|| {{ fib(\n  {'n + ' * 100} 1); }})")

    assert len(code) == 80
    assert code.startswith("fib( n + n")
