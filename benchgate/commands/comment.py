"""``benchgate comment``: show a report below a pull request, from anywhere."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING

from benchgate.commands import complain, flags
from benchgate.errors import ExitCode, PublishError, UsageError

if TYPE_CHECKING:
    from benchgate.model import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``comment``."""
    parser.add_argument(
        "report",
        nargs="?",
        default=".benchgate/report.json",
        metavar="FILE",
        help="a report document (default: .benchgate/report.json)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the comment and write nothing"
    )
    parser.add_argument(
        "--repository",
        metavar="OWNER/NAME",
        help="where the pull request is (default: GITHUB_REPOSITORY)",
    )
    parser.add_argument(
        "--pull", type=int, metavar="N", help="the number of the pull request"
    )
    parser.add_argument(
        "--key", default="default", help="tells several gates of a repository apart"
    )
    parser.add_argument(
        "--author",
        default="github-actions[bot]",
        metavar="LOGIN",
        help="who the token in GITHUB_TOKEN writes as",
    )
    parser.add_argument(
        "--when",
        choices=["always", "problems"],
        default="always",
        help="whether a report without problems is shown as well",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Print or publish the comment; that it can't be published changes no verdict."""
    from benchgate.documents import report as document  # noqa: PLC0415 - if asked
    from benchgate.render.markdown import render_markdown  # noqa: PLC0415 - as above

    judged = document.decode(flags.read(args.report), name=args.report)
    if args.dry_run:
        print(render_markdown(judged), end="")
        return ExitCode.PASSED
    if args.pull is None:
        raise UsageError(
            "which pull request?", hint="name it with --pull N, or use --dry-run"
        )
    try:
        _publish(judged, args)
    except PublishError as error:
        complain(error)
    return ExitCode.PASSED


def _publish(judged: Report, args: argparse.Namespace) -> None:
    from benchgate.commands.gate import publishing  # noqa: PLC0415 - if asked
    from benchgate.github import sticky  # noqa: PLC0415 - as above
    from benchgate.github.api import connect, place_in  # noqa: PLC0415 - as above
    from benchgate.render.markdown import render_markdown  # noqa: PLC0415 - as above

    variables = dict(os.environ)
    if args.repository:
        variables["GITHUB_REPOSITORY"] = args.repository
    with connect(place_in(variables), variables.get("GITHUB_TOKEN", "")) as client:
        state = sticky.State(
            workflow=0,
            # Outside of a workflow nothing counts the runs but the clock.
            run_number=int(variables.get("GITHUB_RUN_NUMBER") or time.time()),
            attempt=int(variables.get("GITHUB_RUN_ATTEMPT") or 1),
            head=client.pull(args.pull).head.sha,
            outcome=judged.outcome,
            accepted=(),
        )
        published = sticky.publish(
            client,
            args.pull,
            render_markdown(judged, run=publishing.run_address()),
            key=args.key,
            author=args.author,
            state=state,
            mode=sticky.Mode(args.when),
        )
    print(f"comment {published.done}: {published.url}".rstrip(": "))
