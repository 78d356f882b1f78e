# A cargo that compiles nothing: sources are JSON, executables are `bench.py`.
#
# It knows `metadata`, `bench --no-run` and `criterion`, with the messages and statuses
# of cargo 1.95 and cargo-criterion 1.1.0. It starts hundreds of times, so it imports
# what it can't do without, and of TOML it reads no more than tests write.
# ruff: noqa: PLC0415, PTH100, PTH101, PTH103, PTH109, PTH110, PTH119, PTH120
# ruff: noqa: PTH123, S103, T201

import json
import os
import shlex
import sys
import zlib
from typing import Any

STATE = os.environ["FAKE_STATE"]
TOOLS = os.path.dirname(os.path.abspath(__file__))
PLACE = "<place>"
SAYS = "This executable is a Criterion.rs benchmark.\n"
HELP = {"0.8": f"{SAYS}    --exact\n", "0.3": SAYS, "none": "It does its own thing.\n"}
SHELL = """#!/bin/sh
place={place}
prepared() {{ cp -r "$place.d/$1" "$CRITERION_HOME/"; exit; }}
case "$*" in
--help) cat "$place.help"; exit;;
*"--warm-up-time 0.1"*) [ {whole} = 1 ] && exit 1;;
esac
case "$*" in
*--list*) cat "$place.list"; echo "panicked: no input" >&2; exit {listed};;
esac
{{ printf 'bench\\037%s' "$PWD"; printf '\\037%s' "$@"; printf '\\036'; }} \\
  >> "$FAKE_STATE/log"
for last; do :; done
{tells}
case "$*" in
*--exact*) case "$last" in
{cases}esac;;
esac
exec {python} "$place.py" "$@"
"""


# What is linked: it tells the shell behind it which layout it is.
LINKED = """LAYOUT = 0
import os, sys
os.environ["FAKE_LAYOUT"] = str(LAYOUT)
os.execv({shell!r}, [{shell!r}, *sys.argv[1:]])
"""


def main(words: list[str]) -> int:
    if words[0] == "rustc":
        return link(words)
    log_call("cargo", os.getcwd(), *words)
    if words[0][0] == "+":
        words = words[1:]
    if words[0] == "metadata":
        return metadata(words[words.index("--manifest-path") + 1])
    if words[0] == "bench":
        return build(words)
    if words[0] == "criterion" and os.environ.get("FAKE_CRITERION") != "missing":
        return criterion(words)
    say(f"error: no such command: `{words[0]}`\n")
    say("help: view all installed commands with `cargo --list`")
    return 101


def log_call(*words: str) -> None:
    with open(f"{STATE}/log", "a") as log:
        log.write("\x1f".join(words) + "\x1e")


def say(text: str) -> None:
    print(text, file=sys.stderr)


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def manifest(path: str) -> dict[str, list[dict[str, str]]]:
    """Return the tables of a manifest by their names, the values as written."""
    tables: dict[str, list[dict[str, str]]] = {}
    for line in read(path).splitlines():
        if line.startswith("["):
            if not line.endswith("]"):
                say(f"error: failed to parse manifest at `{path}`")
                sys.exit(101)
            table: dict[str, str] = {}
            tables.setdefault(line.strip("[]"), []).append(table)
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            table[key.strip()] = value.strip()
    return tables


def texts(value: str) -> list[str]:
    """Return the quoted words in a value."""
    return value.split('"')[1::2]


def workspace_of(path: str) -> str:
    folder = own = os.path.dirname(path)
    while folder != "/":
        above = f"{folder}/Cargo.toml"
        if os.path.exists(above) and "workspace" in manifest(above):
            return folder
        folder = os.path.dirname(folder)
    return own


def package_of(folder: str) -> dict[str, object]:
    said = manifest(f"{folder}/Cargo.toml")
    needed = {
        name: value
        for table in ("dependencies", "dev-dependencies")
        for name, value in said.get(table, [{}])[0].items()
    }
    return {
        "name": texts(said["package"][0]["name"])[0],
        "version": texts(said["package"][0]["version"])[0],
        "manifest_path": f"{folder}/Cargo.toml",
        "dependencies": [
            {"name": name, "path": os.path.normpath(f"{folder}/{texts(value)[0]}")}
            if value.startswith("{")
            else {"name": name}
            for name, value in needed.items()
        ],
        "targets": targets_of(said),
        "features": {key: [] for key in said["features"][0]}
        if "features" in said
        else None,
    }


def targets_of(said: dict[str, list[dict[str, str]]]) -> list[dict[str, object]]:
    return [
        {
            "name": texts(bench["name"])[0],
            "kind": ["bench"],
            "required-features": texts(bench.get("required-features", "")),
        }
        for bench in said.get("bench", [])
    ]


def target_directory(root: str) -> str:
    return os.path.abspath(os.environ.get("CARGO_TARGET_DIR") or f"{root}/target")


def metadata(path: str) -> int:
    root = workspace_of(path)
    top = manifest(f"{root}/Cargo.toml")
    members = [root] if "package" in top else []
    for table in top.get("workspace", []):
        members += [f"{root}/{name}" for name in texts(table["members"])]
    said = {
        "packages": [package_of(folder) for folder in members],
        "workspace_root": root,
        "target_directory": target_directory(root),
    }
    print(json.dumps(said))
    return 0


def chosen(words: list[str]) -> list[str]:
    return [words[i + 1] for i, word in enumerate(words) if word == "--bench"]


def build(words: list[str]) -> int:
    folder = os.getcwd()
    root = workspace_of(f"{folder}/Cargo.toml")
    if not os.path.exists(f"{root}/Cargo.lock"):
        with open(f"{root}/Cargo.lock", "w") as lock:
            lock.write(os.environ.get("FAKE_REGISTRY", "resolved"))
    given = words[words.index("--features") + 1] if "--features" in words else ""
    known = targets_of(manifest(f"{folder}/Cargo.toml"))
    needed = {target["name"]: target["required-features"] for target in known}
    print("what a procedural macro prints")
    for name in chosen(words):
        if needed[name] not in ([], given.split(",")):
            say(f"error: target `{name}` requires features")
            return 101
        source = json.loads(read(f"{folder}/benches/{name}.rs"))
        if "--config" in words and source.get("repeats", True):
            source = repeating(source)
            with open(f"{root}/Cargo.lock", "w") as lock:
                lock.write("resolved with another criterion")
        if "error" in source:
            say("   Compiling it\n" + source["error"])
            say("warning: noise\n" * 300)
            return 101
        place = executable_of(root, folder, name + "-2" * ("--config" in words))
        fresh = is_fresh(place, root, source)
        if not fresh:
            log_call("rustc", folder, name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            write(place, {**source, "entries": entries_of(source)})
        artifact = {
            "reason": "compiler-artifact",
            "target": {"name": name, "kind": ["bench"]},
            "executable": place,
            "fresh": fresh,
        }
        print(json.dumps(artifact))
    if "FAKE_HARNESS" in os.environ:
        harness = {
            "reason": "compiler-artifact",
            "package_id": os.environ["FAKE_HARNESS_ID"],
            "manifest_path": f"{os.environ['FAKE_HARNESS']}/Cargo.toml",
            "target": {"name": "criterion", "kind": ["lib"]},
        }
        print(json.dumps(harness))
    print('{"reason":"build-finished","success":true}')
    return 0


def is_fresh(place: str, root: str, source: dict[str, Any]) -> bool:
    """Say whether *source* is what was built at *place*; remember that it is now."""
    target = target_directory(root)
    package = texts(manifest(f"{os.getcwd()}/Cargo.toml")["package"][0]["name"])[0]
    digest = f"{zlib.crc32(repr(source).encode()):08x}"
    mark = f"{target}/release/.fingerprint/{package}-{os.path.basename(place)[-8:]}"
    mark = f"{mark}/{os.path.basename(place)}"
    fresh = os.path.exists(place) and os.path.exists(mark) and read(mark) == digest
    os.makedirs(os.path.dirname(mark), exist_ok=True)
    for path, text in ((mark, digest), (f"{target}/CACHEDIR.TAG", "")):
        with open(path, "w") as file:
            file.write(text)
    return fresh


def link(words: list[str]) -> int:
    """Be rustc: call the linker that we are told of."""
    import subprocess

    linkers = [w.removeprefix("linker=") for w in words if w.startswith("linker=")]
    made = words.index("-o")
    command = [*(linkers or ["cc"])[-1:], *words[made : made + 3]]
    return subprocess.run(command, check=False).returncode


def repeating(source: dict[str, Any]) -> dict[str, Any]:
    """Return what a criterion measures that repeats a share of the work."""
    slower = 1 + int(os.environ["BENCHGATE_REPEAT_MILLIONTHS"]) / 1e6
    broken = {"error": "error: not with this criterion"} if source.get("rigid") else {}
    times = {name: time * slower for name, time in source["times"].items()}
    return {**source, "times": times, "tells": True, **broken}


def write(place: str, source: dict[str, Any]) -> None:
    """Write the executable: a shell for what is simple, Python behind it."""
    said = "bench" if source.get("criterion") == "0.3" else "benchmark"
    lists = "".join(f"{entry['title']}: {said}\n\n" for entry in source["entries"])
    for path, text in (
        (f"{place}.py", f"SOURCE = {source!r}\n{read(f'{TOOLS}/bench.py')}"),
        (f"{place}.list", lists),
        (f"{place}.help", HELP[source.get("criterion", "0.8")]),
    ):
        with open(path, "w") as file:
            file.write(text)
    cases = "".join(
        f"{shlex.quote(entry['id'])}) prepared {number};;\n"
        for number, entry in enumerate(source["entries"])
        if not (entry["ill"] or entry["noise"] or entry["sway"] or "takes" in source)
        and entry["unlucky"] == 1
    )
    shell = f"{place}.sh" if source.get("links") else place
    with open(shell, "w") as file:
        file.write(
            SHELL.format(
                place=shlex.quote(place),
                listed=101 if source.get("list") == "panic" else 0,
                whole=int(source.get("criterion") == "0.3"),
                python=f"{sys.executable} -IS",
                cases=cases,
                tells='echo "$last" >> "$BENCHGATE_REPEATED"' * ("tells" in source),
            )
        )
    os.chmod(shell, 0o755)
    if shell != place:
        compile_and_link(place, shell)
    for number, entry in enumerate(source["entries"]):
        prepare(f"{place}.d/{number}/new", entry, number)


def compile_and_link(place: str, shell: str) -> None:
    """Have *place* made by rustc, through the wrapper that Cargo is told of."""
    import subprocess

    with open(f"{place}.main.py", "w") as file:
        file.write(LINKED.format(shell=shell))
    around = [word for word in (os.environ.get("RUSTC_WRAPPER"),) if word]
    rustc = [sys.executable, "-IS", os.path.abspath(__file__), "rustc"]
    flags = ["--crate-type", "bin", "--emit=dep-info,link"]
    words = [*around, *rustc, *flags, "-o", place, f"{place}.main.py"]
    subprocess.run(words, check=True)


def prepare(place: str, entry: dict[str, Any], number: int) -> None:
    """Write what a slice of a healthy benchmark leaves."""
    os.makedirs(place, exist_ok=True)
    counts = list(range(1, 101))
    sample = {"iters": counts, "times": [entry["ns"] * count for count in counts]}
    with open(f"{place}/sample.json", "w") as file:
        file.write(json.dumps(sample))
    with open(f"{place}/benchmark.json", "w") as file:
        file.write(entry["identity"] % number)


def entries_of(source: dict[str, dict[str, float]]) -> list[dict[str, object]]:
    """Return each benchmark as the executable needs it, in order of registration."""
    entries: list[dict[str, object]] = []
    titles: list[str] = []
    for benchmark, nanoseconds in source["times"].items():
        title = title_of(benchmark)
        again = sum(known.startswith(title) for known in titles)
        titles.append(f"{title} #{again + 1}" if again else title)
        identity = {"full_id": benchmark, "title": titles[-1], "directory_name": PLACE}
        entries.append(
            {
                "id": benchmark,
                "title": titles[-1],
                "ns": nanoseconds,
                "noise": source.get("noise", {}).get(benchmark, 0.0),
                "sway": source.get("sways", {}).get(benchmark, 0.0),
                "unlucky": source.get("unlucky", {}).get(benchmark, 1.0),
                "ill": source.get("ill", {}).get(benchmark, ""),
                "identity": json.dumps(identity)
                .replace("%", "%%")
                .replace(PLACE, "%s"),
            }
        )
    return entries


def title_of(benchmark: str) -> str:
    cut = benchmark.encode()[:100].decode(errors="ignore")
    return benchmark if cut == benchmark else f"{cut}..."


def executable_of(root: str, folder: str, name: str) -> str:
    digest = zlib.crc32(os.path.relpath(folder, root).encode())
    return f"{target_directory(root)}/release/deps/{name}-{digest:08x}"


def criterion(words: list[str]) -> int:
    import re

    rest = words[words.index("--") + 1 :] if "--" in words else []
    only = rest[-1] if rest and rest[-1].startswith("^") else ""
    for name in chosen(words):
        source = json.loads(read(f"{os.getcwd()}/benches/{name}.rs"))
        for benchmark, nanoseconds in source["times"].items():
            if only and not re.search(only, benchmark):
                continue
            ill = source.get("ill", {}).get(benchmark)
            if ill in {"panic", "hang"}:
                say("thread 'main' panicked at src/bench_target.rs:306:")
                say("Unexpected message FinishedBenchmarkGroup\nnote: run with")
                return 101
            if ill == "decimal":
                say("Error: Failed to receive message\n\nCaused by:")
                say("    0: Failed to parse message\n    1: unknown variant `Bytes`")
                say("\nthread 'main' panicked at src/connection.rs:1:\nIo(reset)")
                return 1
            if ill != "zero":
                unlucky = source.get("unlucky", {}).get(benchmark, 1.0)
                print(message(benchmark, unlucky * nanoseconds))
    return 0


def message(benchmark: str, nanoseconds: float) -> str:
    said = {
        "reason": "benchmark-complete",
        "id": title_of(benchmark),
        "iteration_count": list(range(1, 101)),
        "measured_values": [nanoseconds * count for count in range(1, 101)],
        "unit": "ns",
    }
    return json.dumps(said)


sys.exit(main(sys.argv[1:]))
