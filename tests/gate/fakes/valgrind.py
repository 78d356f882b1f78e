# A callgrind that runs nothing: the work of an iteration is written in the source of
# the bench, and criterion's own is the same each time.
# ruff: noqa: PTH102, PTH103, PTH109, PTH123, T201

import ast
import json
import os
import sys
import time

ILL = os.environ.get("FAKE_VALGRIND", "")
DUMP = """# callgrind format
version: 1
creator: callgrind-3.19.0
positions: line
events: Ir sysCount sysTime
summary: 0

ob=(1) bench
fn=(1) main
16 {instructions} {calls} 7
cob=(2) libc.so.6
cfn=(2) malloc
calls={allocations} 0\x20
* 0

totals: {instructions} {calls}
"""


def main(words: list[str]) -> int:
    flags = [word for word in words if "=" in word and word.startswith("--")]
    settings = dict(flag.split("=", 1) for flag in flags)
    program, *rest = words[len(flags) + words.count("--quiet") :]
    with open(f"{os.environ['FAKE_STATE']}/log", "a") as log:
        log.write("\x1f".join(["valgrind", os.getcwd(), program, *rest]) + "\x1e")
    if ILL == "hang":
        os.mkdir(f"{os.environ['FAKE_STATE']}/hanging")
        time.sleep(600)
    if ILL == "crash":
        os.kill(os.getpid(), 4)
    seconds = float(rest[rest.index("--measurement-time") + 1])
    iterations = 10 if ILL == "stubborn" else max(10, int(seconds * 100))
    warmed_up = "3.0000 s" if ILL == "warm" else "1.0000 ns"
    print(f"Benchmarking it: Warming up for {warmed_up}")
    for number in range({"silent": 0, "two": 2}.get(ILL, 1)):
        keep(f"{os.environ['CRITERION_HOME']}/{number}/new", iterations)
    with open(f"{program}.py") as file:
        work = ast.literal_eval(file.readline().removeprefix("SOURCE = ")).get("work")
    if ILL != "undumped":
        with open(settings["--callgrind-out-file"], "w") as file:
            file.write(dumped(iterations, *(work or {}).get(rest[-1], (1000, 2, 0))))
    return 0


def keep(place: str, iterations: int) -> None:
    os.makedirs(place)
    sample = {"iters": [iterations / 10] * 10, "times": [iterations * 20.0] * 10}
    if ILL == "empty":
        sample = {"iters": [], "times": []}
    with open(f"{place}/sample.json", "w") as file:
        file.write("{" if ILL == "cut" else json.dumps(sample))


def dumped(iterations: int, each: float, allocations: float, calls: float) -> str:
    own = 0 if ILL == "idle" else each
    return DUMP.format(
        instructions=int(5_000_000 + iterations * own),
        allocations=int(100 + iterations * allocations),
        calls=int(50 + iterations * calls),
    )


sys.exit(main(sys.argv[1:]))
