# A k6 that asks the service how slow it is, and writes the points of that.
# ruff: noqa: T201

import json
import os
import re
import sys
import time
import urllib.request
from pathlib import Path


def main(words: list[str]) -> int:
    generated = Path(words[-1]).read_text()
    script = json.loads(re.search(r"from (\"file:[^\"]+\")", generated)[1])  # type: ignore[index]
    path = urllib.request.url2pathname(script.removeprefix("file://"))
    total = re.search(r"user.options, ([0-9.]+)", generated)[1]  # type: ignore[index]
    with Path(os.environ["FAKE_STATE"], "log").open("a") as log:
        log.write(f"k6\x1f{total}\x1e")
    plan = json.loads(Path(path).read_text().removeprefix("//"))
    if "status" in plan:
        print('level=error msg="TypeError: oh no"', file=sys.stderr)
        return int(plan["status"])
    url = f"http://127.0.0.1:{os.environ['PORT']}/milliseconds"
    with urllib.request.urlopen(url) as answer:
        milliseconds = float(answer.read())
    time.sleep(plan.get("takes", 0))
    out = words[words.index("--out") + 1].removeprefix("json=")
    lines = [definition("http_req_duration"), *points(milliseconds)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    Path(out).write_text(text[: -plan.get("cut", 0) or None])
    place = json.loads(re.search(r"return \{ (\"[^\"]+\"):", generated)[1])  # type: ignore[index]
    said = {"iterations": 300, "requests": 300, "by_iterations": []}
    Path(place).write_text(json.dumps(said))
    return 0


def definition(name: str) -> dict[str, object]:
    data = {"name": name, "type": "trend", "contains": "time"}
    return {"type": "Metric", "metric": name, "data": data}


def points(milliseconds: float) -> list[dict[str, object]]:
    return [
        {
            "metric": "http_req_duration",
            "type": "Point",
            "data": {
                "time": f"2026-01-01T00:00:{number / 50:09.6f}Z",
                "value": milliseconds * (1 + number % 10 / 100),
                "tags": {
                    "name": "GET /cart",
                    "scenario": "steady",
                    "group": "",
                    "expected_response": "true",
                },
            },
        }
        for number in range(300)
    ]


sys.exit(main(sys.argv[1:]))
