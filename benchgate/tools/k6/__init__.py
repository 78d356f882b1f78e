"""k6: the NDJSON of ``--out json`` or a summary → samples of named requests.

=============  =====================================  =======================
benchmark      metrics                                from
=============  =====================================  =======================
request name   p10, p50, p95, p99, errors, throughput ``http_req_duration``
trend name     p50, and of times p10, p95 and p99     custom trends
iterations     dropped                                ``dropped_iterations``
checks         failed                                 ``checks``
=============  =====================================  =======================

Latency is that of expected responses: a refused connection takes 0 s.
A name that several scenarios use is read once for each, as ``name [scenario]``.
"""

from __future__ import annotations

from benchgate.model import Round
from benchgate.tools.k6 import points, summary
from benchgate.tools.source import Source

NAME = "k6"
EXPECTED = "k6 output (NDJSON of --out json, or a summary)"


def recognises(source: Source) -> bool:
    """Say whether k6 wrote *source*."""
    return points.recognises(source.head) or summary.recognises(source.head)


def read(
    source: Source, *, suite: str, warmup: float = 0.0, partial: bool = False
) -> Round:
    """Return what k6 measured in one run.

    *warmup*: seconds after the first request or iteration that don't count.
    *partial*: accept a file that was cut, with a doubt.
    Raises FormatError, naming the line, when *source* is damaged.
    """
    head = source.head
    if summary.recognises(head) and not points.recognises(head):
        return summary.read(source, suite=suite)
    return points.read(source, suite=suite, warmup=warmup, partial=partial)
