import contextlib
import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from benchgate.config import (
    Baseline,
    Config,
    DesignChoice,
    Measure,
    Only,
    Service,
    Suite,
    decode,
    default,
    find,
    load,
    schema,
    schema_text,
)
from benchgate.errors import ConfigError, ExitCode
from benchgate.model import Answer, Kind, Policy, SeriesRule

ROOT = Path(__file__).parents[2]
DESIGN = ROOT.parent / "shared" / "design.md"
POLICY = Policy(
    false_alarms=0.01,
    widen=1.0,
    margins={
        Kind.TIME: 0.02,
        Kind.LATENCY: 0.05,
        Kind.TAIL: 0.10,
        Kind.RATE: 0.05,
        Kind.COST: 0.05,
        Kind.ERRORS: 0.001,
        Kind.COUNT: 0.005,
        Kind.SIZE: 0.005,
    },
    absolute={Kind.TIME: 0.5e-9, Kind.LATENCY: 50e-6},
    on_inconclusive=Answer.WARN,
    on_weak=Answer.FAIL,
    on_missing=Answer.FAIL,
    series=(),
)
NOTHING = Config(
    path="",
    suites=(),
    baseline=Baseline(),
    measure=Measure(),
    policy=POLICY,
    renames={},
)
EVERYTHING = """\
suites:
  parser:
    tool: criterion
    command: cargo +nightly criterion
    benches: ["json/*", "csv/*"]
    packages: [parser-core, parser-io]
    targets: [throughput]
    features: [simd]
    directory: crates
    env: {RUST_LOG: warn, WORKERS: 4, RUST_VERSION: 1.10}
  checkout:
    tool: k6
    script: load/checkout.js
    warmup: 1500ms
    window: 8s
    service:
      build: cargo build --release --bin checkout
      prepare: sqlx database reset -y
      start: target/release/checkout --port {port}
      stop: docker compose -p {side} down
      ready: http://127.0.0.1:{port}/healthz
      ready_within: 2m
      env: {DATABASE_URL: "sqlite://checkout-{side}.db"}
  python:
    tool: pytest-benchmark
baseline: {store: directory, path: /mnt/runs, window: 20, keep: 500}
measure:
  design: paired
  looks: [10, 30]
  slice: 100ms
  layouts: one
  budget: 0.5h
  only: affected
  cache: 2.5 GB
policy:
  false_alarms: 5%
  widen: 1.15
  margins: {time: 3%, tail: 0.15, errors: 0.2pp}
  absolute: {time: 0, tail: 1ms}
  on_inconclusive: fail
  on_weak: warn
  on_missing: warn
  series:
    "parser:csv/tiny*": {blocking: false}
    "checkout:*": {margin: 0.5pp}
renames: {json/parse: json/read}
"""


def problem_of(text: str | bytes) -> str:
    """Return what is said of a file ``x.yml`` with *text*."""
    return error_of(text).problem


def error_of(text: str | bytes) -> ConfigError:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ConfigError) as caught:
        decode(raw, name="x.yml")
    return caught.value


def test_without_a_file_every_default_holds() -> None:
    assert default() == NOTHING


@pytest.mark.parametrize("raw", [b"", b"# nothing yet\n", b"---\n", b"{}", b"\n\n"])
def test_an_empty_file_means_the_defaults(raw: bytes) -> None:
    assert decode(raw, name="x.yml") == replace(NOTHING, path="x.yml")


def test_every_key_arrives_in_base_units() -> None:
    assert decode(EVERYTHING.encode(), name="benchgate.yml") == Config(
        path="benchgate.yml",
        suites=(
            Suite(
                name="parser",
                tool="criterion",
                command="cargo +nightly criterion",
                benches=("json/*", "csv/*"),
                packages=("parser-core", "parser-io"),
                targets=("throughput",),
                features=("simd",),
                directory="crates",
                env={"RUST_LOG": "warn", "WORKERS": "4", "RUST_VERSION": "1.10"},
            ),
            Suite(
                name="checkout",
                tool="k6",
                script="load/checkout.js",
                warmup=1.5,
                window=8.0,
                service=Service(
                    build="cargo build --release --bin checkout",
                    prepare="sqlx database reset -y",
                    start="target/release/checkout --port {port}",
                    stop="docker compose -p {side} down",
                    ready="http://127.0.0.1:{port}/healthz",
                    ready_within=120.0,
                    env={"DATABASE_URL": "sqlite://checkout-{side}.db"},
                ),
            ),
            Suite(name="python", tool="pytest-benchmark"),
        ),
        baseline=Baseline(store="directory", path="/mnt/runs", window=20, keep=500),
        measure=Measure(
            design=DesignChoice.PAIRED,
            looks=(10, 30),
            slice=0.1,
            layouts="one",
            budget=1800.0,
            only=Only.AFFECTED,
            cache=2.5e9,
        ),
        policy=Policy(
            false_alarms=0.05,
            widen=1.15,
            margins={
                **POLICY.margins,
                Kind.TIME: 0.03,
                Kind.TAIL: 0.15,
                Kind.ERRORS: 0.002,
            },
            absolute={Kind.TIME: 0.0, Kind.LATENCY: 50e-6, Kind.TAIL: 1e-3},
            on_inconclusive=Answer.FAIL,
            on_weak=Answer.WARN,
            on_missing=Answer.WARN,
            series=(
                SeriesRule("parser:csv/tiny*", blocking=False),
                SeriesRule("checkout:*", margin=0.005),
            ),
        ),
        renames={"json/parse": "json/read"},
    )


def test_the_keys_written_in_the_test_of_every_key_are_all_there_are() -> None:
    document = yaml.safe_load(EVERYTHING)
    document["baseline"] |= {"branch": "x", "remote": "x"}
    document["policy"]["margins"] = dict.fromkeys(Kind)
    document["policy"]["absolute"]["latency"] = 0
    written = set(keys_in(document, open_keys={"suites", "series", "env", "renames"}))

    assert written == set(declared())


@pytest.mark.skipif(not DESIGN.exists(), reason="no shared pages beside the checkout")
def test_the_example_in_the_design_page_is_read_verbatim() -> None:
    block = re.search(r"```yaml\n(suites:.*?)```", DESIGN.read_text(), re.DOTALL)
    assert block is not None

    read = decode(block[1].encode(), name="benchgate.yml")

    rule = SeriesRule("criterion:tiny/*", blocking=False)
    assert [suite.name for suite in read.suites] == ["micro", "load"]
    # The page came before the experiment of decision 22.
    assert replace(read.measure, slice=Measure().slice) == Measure()
    assert read.measure.slice == 0.2
    assert read.baseline == Baseline()
    assert read.policy == replace(POLICY, series=(rule,))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "policy:\n  margins:\n    latncy: 5%",
            "x.yml:3: policy.margins.latncy: unknown key; nearest known: latency",
        ),
        ("zzz: 1", "x.yml:1: zzz: unknown key"),
        (
            "suites:\n  a:\n    tool: criterion\n    bench: [x]",
            "x.yml:4: suites.a.bench: unknown key; nearest known: benches",
        ),
        (
            'policy: {series: {"a:b/*": {blockng: true}}}',
            (
                "x.yml:1: policy.series.'a:b/*'.blockng: unknown key; "
                "nearest known: blocking"
            ),
        ),
    ],
)
def test_an_unknown_key_names_itself_and_the_nearest_known_one(
    text: str, problem: str
) -> None:
    assert problem_of(text) == problem


def test_the_hint_of_an_unknown_key_lists_the_known_ones() -> None:
    hint = "use one of suites, baseline, measure, policy, renames"
    assert error_of("zzz: 1").hint == hint


def test_an_error_in_the_configuration_is_a_usage_error() -> None:
    assert error_of("zzz: 1").exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "measure: {}\nmeasure: {}",
            "x.yml:2: measure: duplicate key, first on line 1",
        ),
        (
            "policy:\n  margins:\n    time: 2%\n    time: 3%",
            "x.yml:4: policy.margins.time: duplicate key, first on line 3",
        ),
        (
            "suites:\n  a: {tool: criterion}\n  a: {tool: criterion}",
            "x.yml:3: suites.a: duplicate key, first on line 2",
        ),
        (
            '"measure": {}\nmeasure: {}',
            "x.yml:2: measure: duplicate key, first on line 1",
        ),
    ],
)
def test_a_duplicate_yaml_key_is_an_error(text: str, problem: str) -> None:
    assert problem_of(text) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1]", "x.yml:1: a list is not a mapping"),
        ("hello", "x.yml:1: 'hello' is not a mapping"),
        ("policy: [1]", "x.yml:1: policy: a list is not a mapping"),
        ("measure: {looks: 20}", "x.yml:1: measure.looks: 20 is not a list"),
        (
            "suites: {a: {tool: criterion, benches: x}}",
            "x.yml:1: suites.a.benches: 'x' is not a list",
        ),
        (
            "suites: {a: {tool: criterion, benches: [x, [y]]}}",
            "x.yml:1: suites.a.benches[1]: a list is not text",
        ),
        (
            "suites: {a: {tool: criterion, command: {run: x}}}",
            "x.yml:1: suites.a.command: a mapping is not text",
        ),
        ("measure: {budget: [10m]}", "measure.budget: a list is not a duration"),
        (
            "measure: {design: always}",
            "measure.design: 'always' is not one of auto, stored, paired",
        ),
        ("baseline: {window: '30'}", "'30' is not a whole number from 8 to 30"),
        ("baseline: {window: 30.0}", "30.0 is not a whole number from 8 to 30"),
        ("baseline: {window: 31}", "31 is not a whole number from 8 to 30"),
        ("baseline: {window: 010}", "010 is not a whole number from 8 to 30"),
        ("baseline: {window: 0x10}", "0x10 is not a whole number from 8 to 30"),
        ("baseline: {keep: 7}", "7 is not a whole number from 8 to 1000000"),
        (
            "baseline: {keep: 20}",
            "baseline.keep: 20 runs to keep are fewer than the window of 30",
        ),
        (
            "baseline: {keep: 8, window: 9}",
            "baseline.keep: 8 runs to keep are fewer than the window of 9",
        ),
        ("measure: {looks: [0]}", "looks[0]: 0 is not a whole number from 1 to"),
        (
            "policy: {series: {'a:b': {blocking: 'true'}}}",
            "'true' is not true or false",
        ),
        (
            "policy: {series: {'a:b': {blocking: 1}}}",
            "blocking: 1 is not true or false",
        ),
        ("policy: {series: {'a:b': {blocking: yes}}}", "yes is not true or false"),
    ],
)
def test_a_wrong_type_says_what_was_given_and_what_is_allowed(
    text: str, problem: str
) -> None:
    assert problem in problem_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "policy: {false_alarms: true}",
        "policy: {margins: {time: true}}",
        "measure: {slice: yes}",
        "baseline: {window: true}",
        "measure: {looks: [true]}",
    ],
)
def test_a_boolean_is_not_a_number(text: str) -> None:
    assert re.search(r": (true|yes) is not a", problem_of(text))


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("baseline: {branch: 1.0}", "1.0"),
        ("baseline: {branch: on}", "on"),
        ("suites: {a: {tool: k6, script: 2026-01-31}}", "2026-01-31"),
        ("suites: {a: {tool: criterion, env: {A: yes}}}", "yes"),
        ("renames: {1: a}", "the key 1"),
        ("renames: {a: 1}", "1"),
    ],
)
def test_what_yaml_takes_for_something_else_than_text_needs_quotes(
    text: str, given: str
) -> None:
    error = error_of(text)

    assert f": {given} is not " in error.problem
    assert error.hint == "put it in quotes"


@pytest.mark.parametrize(
    "text", ["suites:", "suites:\n  a:", "measure: {slice: }", "policy: {series: ~}"]
)
def test_a_key_without_a_value_is_not_silently_left_out(text: str) -> None:
    error = error_of(text)

    assert error.problem.endswith(": has no value")
    assert error.hint == "give it one, or leave the key out"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "measure: {slice: 2 bananas}",
            "'2 bananas' is not a duration: write a number",
        ),
        ("measure: {slice: 2%}", "'2%' is not a duration"),
        ("measure: {slice: -1s}", "'-1s' is not a duration"),
        ("measure: {budget: 10:00}", "'10:00' is not a duration"),
        ("measure: {slice: .nan}", "'.nan' is not a duration"),
        ("measure: {slice: .inf}", "'.inf' is not a duration"),
        ("measure: {slice: 0}", "'0' is too short: it must be above zero"),
        ("measure: {budget: 0s}", "'0s' is too short: it must be above zero"),
        ("policy: {absolute: {time: 2%}}", "'2%' is not a duration"),
        ("measure: {cache: 10}", "'10' has no unit: write a number with B, kB, MB"),
        ("measure: {cache: 10 GiB}", "'10 GiB' is not a size"),
        ("measure: {cache: -1GB}", "'-1GB' is not a size"),
        ("measure: {cache: [1GB]}", "a list is not a size such as 10 GB"),
        ("policy: {margins: {time: 2 bananas}}", "'2 bananas' is not a share"),
        ("policy: {margins: {time: 2s}}", "'2s' is not a share"),
        ("policy: {margins: {time: -2%}}", "'-2%' is not a share"),
        ("policy: {margins: {time: -0.02}}", "'-0.02' is not a share"),
        ("policy: {margins: {time: .nan}}", "'.nan' is not a share"),
        ("policy: {margins: {time: .inf}}", "'.inf' is not a share"),
        ("policy: {margins: {time: nan}}", "'nan' is not a share"),
        ("policy: {margins: {time: 2pp}}", "'2pp' is for errors only"),
        ("policy: {false_alarms: 1pp}", "'1pp' is for errors only"),
        ("policy: {margins: {errors: 2 %}}", "write 2pp"),
        ("policy: {false_alarms: 0}", "'0' must be above 0 and at most 0.5"),
        ("policy: {false_alarms: 51%}", "'51%' must be above 0 and at most 0.5"),
        ("policy: {false_alarms: .nan}", "'.nan' is not a share"),
        ("policy: {false_alarms: -0.01}", "'-0.01' is not a share"),
        ("measure: {looks: []}", "measure.looks: the list is empty"),
        ("measure: {looks: [20, 20]}", "measure.looks: each look must come after"),
        ("measure: {looks: [40, 20]}", "measure.looks: each look must come after"),
        ("suites: {a: {tool: criterion, benches: []}}", "benches: the list is empty"),
        ("suites: {a: {tool: criterion, command: ' '}}", "command: is empty"),
        (
            "suites: {a: {tool: criterion, env: {A-B: x}}}",
            "is not the name of a variable",
        ),
        ("suites: {'a:b': {tool: criterion}}", "'a:b' is not the name of a suite"),
        ("suites: {'': {tool: criterion}}", "'' is not the name of a suite"),
        ("baseline: {branch: --upload-pack=x}", "is not a name that git can take"),
        ("baseline: {branch: a b}", "is not a name that git can take"),
        (
            "policy: {series: {tiny: {blocking: false}}}",
            "'tiny' is not suite:benchmark",
        ),
        ("renames: {a: b, b: c}", "renames: 'b' is named twice"),
        ("renames: {a: c, b: c}", "renames: 'c' is named twice"),
        ("renames: {a: a}", "renames: 'a' is named twice"),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error(text: str, problem: str) -> None:
    assert problem in problem_of(text)


def test_a_bare_number_for_a_duration_names_the_units() -> None:
    assert problem_of("measure:\n  budget: 600") == (
        "x.yml:2: measure.budget: '600' has no unit: "
        "write a number with ps, ns, us, ms, s, m or h"
    )


def test_a_margin_of_2_is_not_taken_for_200_percent() -> None:
    assert problem_of("policy: {margins: {time: 2}}") == (
        "x.yml:1: policy.margins.time: '2' would be 200 %: write 2% if that is meant"
    )


@pytest.mark.parametrize("share", ["0.5", "50%", "0.001"])
def test_false_alarms_may_be_up_to_a_half(share: str) -> None:
    read = decode(f"policy: {{false_alarms: {share}}}".encode(), name="x.yml")
    assert 0 < read.policy.false_alarms <= 0.5


@pytest.mark.parametrize(
    ("suite", "problem"),
    [
        ("{}", "suites.a.tool: is missing: the tool that measures"),
        ("{script: x.js}", "suites.a.tool: is missing: the tool that measures"),
        (
            "{tool: critrion}",
            (
                "suites.a.tool: 'critrion' is not one of "
                "criterion, k6, pytest-benchmark; nearest known: criterion"
            ),
        ),
        ("{tool: k6}", "suites.a.script: is missing: the k6 script"),
        (
            "{tool: criterion, script: x.js}",
            "suites.a.script: is for `tool: k6` only, this is criterion",
        ),
        (
            "{warmup: 1s, tool: pytest-benchmark}",
            "suites.a.warmup: is for `tool: k6` only, this is pytest-benchmark",
        ),
        (
            "{tool: k6, script: x.js, packages: [x]}",
            "suites.a.packages: is for `tool: criterion` only, this is k6",
        ),
        (
            "{tool: k6, script: x.js, service: {start: x}}",
            (
                "suites.a.service.ready: is missing: "
                "the address that answers 2xx once the service is up"
            ),
        ),
    ],
)
def test_a_suite_has_the_keys_of_its_tool_and_no_others(
    suite: str, problem: str
) -> None:
    assert problem_of(f"suites: {{a: {suite}}}") == f"x.yml:1: {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{path: x}",
            "baseline.path: is for `store: directory` only, this is git-branch",
        ),
        (
            "{store: directory, branch: x}",
            "baseline.branch: is for `store: git-branch` only, this is directory",
        ),
    ],
)
def test_a_baseline_key_without_effect_is_an_error(text: str, problem: str) -> None:
    assert problem_of(f"baseline: {text}") == f"x.yml:1: {problem}"


def service(key: str, value: object) -> str:
    keys: dict[str, object] = {"start": "x", "ready": "http://x:{port}", key: value}
    suite = {"tool": "k6", "script": "x.js", "service": keys}
    return json.dumps({"suites": {"load": suite}})


@pytest.mark.parametrize("key", ["build", "prepare", "start", "stop", "ready"])
def test_an_unknown_placeholder_names_the_known_ones(key: str) -> None:
    assert problem_of(service(key, "http://{prt}/{side}")) == (
        f"x.yml:1: suites.load.service.{key}: "
        "{prt} is neither {port} nor {side}; nearest known: port"
    )


def test_a_placeholder_in_a_variable_of_a_service_is_checked_too() -> None:
    text = service("env", {"URL": "x{host}"})
    assert "service.env.URL: {host} is neither {port} nor {side}" in problem_of(text)


def test_a_placeholder_that_nobody_fills_in_is_an_error() -> None:
    text = "suites: {a: {tool: k6, script: x.js, env: {URL: 'http://x:{port}'}}}"
    assert problem_of(text) == (
        "x.yml:1: suites.a.env.URL: "
        "{port} is filled in for services only: k6 has __ENV.PORT"
    )


@pytest.mark.parametrize(
    "command",
    ["echo ${HOME} ${name}", "docker ps --format '{{.ID}}'", "awk '{print $1}' x{a,b}"],
)
def test_the_braces_of_a_shell_are_its_own(command: str) -> None:
    read = decode(service("start", command).encode(), name="x.yml")

    assert read.suites[0].service == Service(start=command, ready="http://x:{port}")


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("127.0.0.1:{port}", "is not an http:// address"),
        ("https://127.0.0.1:{port}", "is not an http:// address"),
        ("http://127.0.0.1:8080/", "is the same for base and head"),
    ],
)
def test_readiness_is_asked_at_an_address_of_each_side(
    address: str, problem: str
) -> None:
    assert problem in problem_of(service("ready", address))


@pytest.mark.parametrize("character", ["\\0", "\\ud800"])
def test_a_character_that_no_process_takes_is_refused(character: str) -> None:
    text = f'suites: {{a: {{tool: criterion, command: "a{character}b"}}}}'
    assert problem_of(text).endswith("has a character that no command line can hold")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"a: 1\nb: \xff", "x.yml:2: is not UTF-8 text"),
        ("measure: {}".encode("utf-16"), "x.yml:1: is not UTF-8 text"),
        (b"a: b\nc: d\x00", "x.yml:2: is not YAML: it has control characters"),
        (b"a: [1\nb: 2", "x.yml:2: is not YAML: "),
        (b"a:\n\t- b", "x.yml:2: is not YAML: found character '\\t'"),
        (b"{}\n---\n{}", "x.yml:2: is not YAML: but found another document"),
        (b"a: *x", "x.yml:1: is not YAML: found undefined alias 'x'"),
        (b"[" * 5000, "x.yml: is nested too deeply"),
        (b'a: "\\UFFFFFFFF"', "x.yml: is not YAML: "),
        (b"#" * (1 << 19), "x.yml: 524288 bytes are too many for a configuration"),
    ],
)
def test_what_is_not_yaml_says_where(raw: bytes, problem: str) -> None:
    assert problem_of(raw).startswith(problem)


def test_a_byte_order_mark_is_no_matter() -> None:
    raw = "\ufeffmeasure: {slice: 1s}".encode()
    assert decode(raw, name="x.yml").measure == Measure(slice=1.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "policy: !!python/object/apply:os.system [id]",
            "the tag python/object/apply:os.system is not a mapping",
        ),
        (
            "baseline: {branch: !!python/name:os.system ''}",
            "the tag python/name:os.system is not a name that git can take",
        ),
        ("renames: !!set {a, b}", "the tag set is not a mapping"),
        ("measure: {looks: !mine [1]}", "the tag !mine is not a list"),
        ("measure: {slice: !!binary MXM=}", "the tag binary is not a duration"),
    ],
)
def test_a_yaml_tag_constructs_nothing(text: str, problem: str) -> None:
    assert problem in problem_of(text)


def test_a_billion_laughs_are_refused_at_once() -> None:
    rows = ["a0: &a0 [x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    bomb = "\n".join(["renames:", *(f"  {row}" for row in rows)])

    assert (
        problem_of(bomb) == "x.yml: its aliases make too much of it for a configuration"
    )


def test_a_few_aliases_of_a_long_list_are_no_bomb() -> None:
    names = ", ".join(f"b{number}" for number in range(1_000))
    first = f"a: &a {{tool: criterion, benches: [{names}]}}"

    found = decode(f"suites:\n  {first}\n  b: *a\n".encode(), name="x.yml")

    assert [len(suite.benches) for suite in found.suites] == [1_000, 1_000]


def test_an_alias_to_itself_ends() -> None:
    problem = "x.yml:1: suites.suites.suites: unknown key"
    assert problem_of("suites: &a {suites: *a}") == problem


def test_an_alias_shares_a_service() -> None:
    text = """\
suites:
  a: {tool: k6, script: a.js, service: &shop {start: x, ready: "http://x:{port}"}}
  b: {tool: k6, script: b.js, service: *shop}
"""
    first, second = decode(text.encode(), name="x.yml").suites
    assert first.service == second.service == Service("x", "http://x:{port}")


def test_a_merge_key_is_refused_by_name() -> None:
    text = "suites: {a: &a {tool: criterion}, b: {<<: *a}}"
    assert problem_of(text) == "x.yml:1: suites.b: merge keys (<<) are not supported"


@pytest.mark.parametrize("value", ["9" * 5000, "9" * 5000 + "s", "x" * 5000])
def test_a_message_stays_short_whatever_was_written(value: str) -> None:
    assert len(problem_of(f"measure: {{slice: {value}}}")) < 300
    assert len(problem_of(f"baseline: {{window: {value}}}")) < 300


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"%YAML 9999999999.1\n---\n{}")
@example(b"? [a]\n: b")
@example(b"? ? a")
@example(b"!!map []")
@example(b"!!null {}")
@example(b"!!seq {a: b}")
@example(b"measure: !!seq {a: b}")
@example(b"measure: {slice: !!float x}")
@example(b"measure: {looks: [!!int x]}")
@example(b"policy: {series: {'a:b': {blocking: !!bool x}}}")
def test_whatever_is_written_gives_a_configuration_or_its_error(raw: bytes) -> None:
    # Any other exception would end in "a bug in benchgate".
    with contextlib.suppress(ConfigError):
        assert decode(raw, name="x.yml").path == "x.yml"


def test_a_configuration_is_found_in_the_root(tmp_path: Path) -> None:
    path = tmp_path / "benchgate.yml"
    path.write_text("measure: {slice: 1s}")

    assert find(tmp_path) == path
    assert load(path).measure == Measure(slice=1.0)
    assert load(path).path == str(path)


def test_a_configuration_is_found_in_the_github_folder(tmp_path: Path) -> None:
    path = tmp_path / ".github" / "benchgate.yml"
    path.parent.mkdir()
    path.touch()

    assert find(tmp_path) == path


def test_a_repository_without_configuration_has_none(tmp_path: Path) -> None:
    assert find(tmp_path) is None


def test_two_configurations_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / "benchgate.yml").touch()
    (tmp_path / ".github" / "benchgate.yml").touch()

    with pytest.raises(
        ConfigError, match=r"there is .*benchgate\.yml as well"
    ) as caught:
        find(tmp_path)
    assert caught.value.hint == "keep one of the two"


@pytest.mark.parametrize("folder", [".", ".github"])
def test_the_yaml_spelling_is_not_silently_ignored(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "benchgate.yaml").touch()

    with pytest.raises(ConfigError, match=r"benchgate\.yaml: is not read") as caught:
        find(tmp_path)
    assert caught.value.hint == "rename it to benchgate.yml"


def test_a_configuration_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "benchgate.yml").mkdir()

    with pytest.raises(ConfigError, match=r"benchgate\.yml: can't be read: Is a dir"):
        load(tmp_path / "benchgate.yml")


def declared() -> dict[str, Any]:
    """Return the schema of every key, by its path; ``*`` is a name of the user's."""
    return dict(_declared(schema(), ""))


def _declared(node: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    properties = node.get("properties", {})
    chosen = node.get("additionalProperties")
    named = {"*": chosen} if chosen and chosen.get("properties") else {}
    for name, inner in {**properties, **named}.items():
        if name != "*":
            yield f"{path}{name}", inner
        yield from _declared(inner, f"{path}{name}.")


def keys_in(document: Any, *, open_keys: set[str], path: str = "") -> Iterator[str]:
    """Yield the path of every key of *document*."""
    for name, inner in document.items():
        yield f"{path}{name}"
        if name in open_keys:
            records = [value for value in inner.values() if isinstance(value, dict)]
            for record in records:
                yield from keys_in(record, open_keys=open_keys, path=f"{path}{name}.*.")
        elif isinstance(inner, dict):
            yield from keys_in(inner, open_keys=open_keys, path=f"{path}{name}.")


K6 = {
    "tool": "k6",
    "script": "x.js",
    "service": {"start": "x", "ready": "http://{side}"},
}
CRITERION = {"tool": "criterion"}
CONTEXTS: dict[str, dict[str, Any]] = {
    "suites.*.packages": {"suites": {"*": CRITERION}},
    "suites.*.targets": {"suites": {"*": CRITERION}},
    "suites.*.features": {"suites": {"*": CRITERION}},
    "baseline.path": {"baseline": {"store": "directory"}},
    "suites": {},
}
DEFAULTS = [(k, v["default"]) for k, v in declared().items() if "default" in v]


def decode_with(path: str, written: dict[str, Any]) -> Config:
    """Return what a small file means that has *written* beside the key *path*."""
    document = copy.deepcopy(CONTEXTS.get(path, {"suites": {"*": K6}}))
    *folders, _ = path.split(".")
    place = document
    for folder in folders:
        place = place.setdefault(folder, {})
    place |= written
    text = json.dumps(document).replace('"*": {"tool', '"a": {"tool')
    return decode(text.encode(), name="x.yml")


@pytest.mark.parametrize(("path", "value"), DEFAULTS, ids=dict(DEFAULTS))
def test_a_declared_default_is_what_leaving_it_out_means(
    path: str, value: object
) -> None:
    written = {path.rpartition(".")[2]: value}

    assert decode_with(path, written) == decode_with(path, {})


def documented() -> dict[str, str]:
    """Return the default of every key in the tables of the documentation."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `([\w.*]+)` \| (.*?) ?\| .+ \|$", text, re.MULTILINE)
    return dict(rows)


def test_the_documentation_has_every_key_and_no_other() -> None:
    assert sorted(documented()) == sorted(declared())


@pytest.mark.parametrize(("path", "value"), DEFAULTS, ids=dict(DEFAULTS))
def test_the_documentation_tells_the_default(path: str, value: object) -> None:
    shown = value if isinstance(value, str) else json.dumps(value)
    assert documented()[path] == f"`{shown}`"


def test_the_example_in_the_documentation_is_valid() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    block = re.search(r"```yaml\n(suites:.*?)```", text, re.DOTALL)
    assert block is not None

    assert decode(block[1].encode(), name="x.yml").measure.budget == 900
    assert complaints(yaml.safe_load(block[1])) == []


def complaints(document: object) -> list[str]:
    """Return what the JSON Schema finds wrong with *document*."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(document)]


def test_the_committed_schema_is_the_declared_one() -> None:
    path = ROOT / "docs" / "schemas" / "benchgate.yml.schema.json"
    assert path.read_text() == schema_text()


def test_the_schema_is_a_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("text", [EVERYTHING, "{}", "baseline: {branch: x}"])
def test_the_schema_takes_what_is_read(text: str) -> None:
    decode(text.encode(), name="x.yml")

    assert complaints(yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "zzz: 1",
        "policy: {margins: {latncy: 5%}}",
        "policy: {margins: {time: 2 bananas}}",
        "policy: {margins: {time: 2}}",
        "policy: {margins: {errors: 2%}}",
        "policy: {margins: {time: 2pp}}",
        "policy: {margins: {time: -2%}}",
        "policy: {false_alarms: true}",
        "policy: {series: {tiny: {}}}",
        "measure: {budget: 600}",
        "measure: {looks: []}",
        "measure: {design: always}",
        "suites: {a: {}}",
        "suites: {'a:b': {tool: criterion}}",
        "suites: {a: {tool: k6}}",
        "suites: {a: {tool: criterion, script: x.js}}",
        "suites: {a: {tool: pytest-benchmark, warmup: 1s}}",
        "baseline: {path: x}",
        "baseline: {store: directory, branch: x}",
        "baseline: {window: 5}",
    ],
)
def test_the_schema_refuses_what_is_an_error(text: str) -> None:
    assert problem_of(text)
    assert len(complaints(yaml.safe_load(text))) > 0


def test_of_a_device_without_an_end_no_more_is_read_than_a_configuration_has() -> None:
    with pytest.raises(ConfigError, match=r"^/dev/zero: larger than 1000000 bytes$"):
        load(Path("/dev/zero"))
