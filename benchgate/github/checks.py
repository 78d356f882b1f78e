"""An outcome → the check run of a gate on the head of a pull request.

Off by default: the measuring job's exit code is a check already, and needs no
permission.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchgate.errors import PublishError
from benchgate.github.api import CheckRun, Client
from benchgate.model import Outcome

MOST_SUMMARY = 65_535
# What tells our check runs from those of others with the same name.
_KEY = "benchgate"
_CONCLUSIONS: Mapping[Outcome, str] = {
    Outcome.PASSED: "success",
    Outcome.REGRESSED: "failure",
    Outcome.UNDECIDED: "neutral",
}


def publish_check(
    client: Client,
    *,
    name: str,
    head_sha: str,
    outcome: Outcome,
    title: str,
    summary: str,
) -> CheckRun:
    """Show *outcome* as the check run *name* of the commit *head_sha*.

    One of ours that is there is brought up to date. *title* is one line, *summary*
    Markdown of at most 65,535 characters.
    Raises PublishError.
    """
    if len(summary) > MOST_SUMMARY:
        problem = f"check {name}: a summary of {len(summary)} characters is too long"
        raise PublishError(problem, hint="report this as a bug of benchgate")
    fields = {
        "name": name,
        "external_id": _KEY,
        "status": "completed",
        "conclusion": _CONCLUSIONS[outcome],
        "output": {"title": title, "summary": summary},
    }
    own = [check for check in client.check_runs(head_sha, name) if check.key == _KEY]
    if own:
        return client.update_check(max(own, key=lambda check: check.id), fields)
    return client.create_check({**fields, "head_sha": head_sha})
