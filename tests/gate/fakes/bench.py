# An executable of criterion: SOURCE, above, is what was compiled into it.
# What needs no thought is done by the shell around it, which starts faster.
# ruff: noqa: ANN001, ANN201, F821, PLC0415, PTH103, PTH123, PTH202, T201
# mypy: ignore-errors

import os
import sys
import time

STATE = os.environ["FAKE_STATE"]
LAYOUT = int(os.environ.get("FAKE_LAYOUT", "0"))
ALONE = {"--bench", "--noplot", "--exact"}


def main(words):
    flags = {w for w in words if w in ALONE}
    values, names = {}, []
    rest = iter([w for w in words if w not in ALONE])
    for word in rest:
        if word.startswith("--"):
            values[word] = next(rest)
        else:
            names.append(word)
    for number, entry in enumerate(SOURCE["entries"]):
        if is_named(entry["id"], names[0], exact="--exact" in flags):
            problem = measure(number, entry, values)
            if problem:
                return problem
    return 0


def is_named(benchmark, name, *, exact):
    if exact:
        return benchmark == name
    import re

    return re.search(name, benchmark) is not None


def measure(number, entry, values):
    time.sleep(SOURCE.get("takes", 0))
    nanoseconds, ill = entry["ns"] * moved_by(entry["noise"]), entry["ill"]
    nanoseconds *= 1 + entry["sway"] * sway()
    nanoseconds *= 1 if LAYOUT else entry["unlucky"]
    if ill in {"panic", f"panic in layout {LAYOUT}"} or (
        ill.startswith("panic at ") and is_turn(int(ill[9:]))
    ):
        return f"thread 'main' panicked at benches/x.rs:7: {entry['id']} is ill"
    if ill == "hang":
        time.sleep(600)
    if ill == "zero":
        print("Criterion.rs ERROR: At least one measurement took zero time")
        return None
    counts = range(1, int(values.get("--sample-size", "100")) + 1)
    place = f"{os.environ['CRITERION_HOME']}/{number}_dir/new"
    os.makedirs(place)
    each = ["null" if ill == "null" else str(nanoseconds * c) for c in counts]
    times = ",".join(each)
    sample = f'{{"iters":{list(counts)},"times":[{times}]}}'
    write(f"{place}/sample.json", "" if ill == "cut" else sample)
    write(f"{place}/benchmark.json", entry["identity"] % f"{number}_dir")
    return None


def moved_by(noise):
    """Return a factor within *noise* of 1, another one each time."""
    if not noise:
        return 1.0
    remember("noise", "x")
    return 1 + noise * (os.path.getsize(f"{STATE}/noise") * 37 % 101 / 50 - 1)


def sway():
    """Return a number from -1 to 1 that only the layout decides, 0 as it was built."""
    return LAYOUT and LAYOUT * 37 % 101 / 50 - 1


def write(place, text):
    with open(place, "w") as file:
        file.write(text)


def remember(name, text):
    with open(f"{STATE}/{name}", "a") as file:
        file.write(text)


def is_turn(number):
    """Say whether this is the *number*-th measurement of a benchmark that is ill."""
    remember("turns", "x")
    return os.path.getsize(f"{STATE}/turns") == number


sys.exit(main(sys.argv[1:]))
