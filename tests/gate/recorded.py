"""Files as the tools write them, with times that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

SAMPLES = 30


def messages(times: Mapping[str, float], *, samples: int = SAMPLES) -> str:
    """Return cargo-criterion's messages for benchmarks of so many nanoseconds."""
    counts = list(range(1, samples + 1))
    lines = [
        json.dumps(
            {
                "reason": "benchmark-complete",
                "id": name,
                "iteration_count": counts,
                "measured_values": [time * count for count in counts],
                "unit": "ns",
            }
        )
        for name, time in times.items()
    ]
    return "".join(f"{line}\n" for line in lines)


def criterion_directory(root: Path, times: Mapping[str, float], baseline: str) -> Path:
    """Write what ``cargo bench -- --save-baseline`` leaves, and return *root*."""
    counts = list(range(1, SAMPLES + 1))
    for number, (name, time) in enumerate(times.items()):
        place = root / f"{number}" / baseline
        place.mkdir(parents=True)
        identity = {"full_id": name, "title": name, "directory_name": f"{number}"}
        sample = {"iters": counts, "times": [time * count for count in counts]}
        (place / "benchmark.json").write_text(json.dumps(identity))
        (place / "sample.json").write_text(json.dumps(sample))
    return root


def points(milliseconds: float, *, requests: int = 400) -> str:
    """Return k6's NDJSON of one request that takes so many milliseconds."""
    data = {"name": "http_req_duration", "type": "trend", "contains": "time"}
    definition = {"type": "Metric", "metric": "http_req_duration", "data": data}
    lines = [definition, *(_point(n, milliseconds) for n in range(requests))]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _point(number: int, milliseconds: float) -> dict[str, object]:
    data = {
        "time": f"2026-01-01T00:00:{number / 50:09.6f}Z",
        "value": milliseconds * (1 + number % 10 / 100),
        "tags": {"name": "GET /cart", "scenario": "s", "expected_response": "true"},
    }
    return {"metric": "http_req_duration", "type": "Point", "data": data}
