"""A GitHub on this machine, as far as a gate needs one: over HTTP, with a memory.

It knows who may write what, pages with ``Link`` headers, how long a comment may be,
and artifacts that lie on another host. Troubles are ordered with ``Fault``. Beside
tests it serves workflows that are run by hand::

    python -m tests.github_server --port 8123 --state github.json

reads the state at the start, and writes it back after each request.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec

from tests import github_answers as answers

MOST_CHARACTERS = 65_536
# How a request to GraphQL begins that changes nothing.
_QUERY = b'{"query": "query('
_START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass
class Pull:
    """A pull request; ``head_repository`` None is a fork that is gone."""

    number: int
    head_sha: str
    head_ref: str = "faster"
    head_owner: str = "mallory"
    head_repository: int | None = 2
    base_ref: str = "main"
    base_sha: str = "a" * 40
    state: str = "open"
    labels: list[str] = field(default_factory=list)


@dataclass
class Comment:
    """A comment; ``author`` None is somebody who left."""

    id: int
    pull: int
    author: str | None
    body: str
    updated_at: str
    minimised: str = ""


@dataclass
class Artifact:
    """An archive, and the run that uploaded it; ``size`` if it lies about it."""

    id: int
    run: int
    archive: bytes
    name: str = "benchgate-run"
    head_sha: str = "b" * 40
    created_at: str = "2026-03-04T05:06:07Z"
    expired: bool = False
    size: int | None = None


@dataclass
class State:
    """What is there. ``files`` by ``ref:path``, ``ancestries`` by ``base...head``."""

    repository: str = "octo/shop"
    repository_id: int = 1
    author: str = "github-actions[bot]"
    token: str = "the-token"  # noqa: S105 - opens this server only
    may_write: bool = True
    pulls: list[Pull] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    ancestries: dict[str, str] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[int, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Fault:
    """A trouble with requests whose ``METHOD /path`` matches ``request``.

    It comes ``times`` times. With ``carried_out`` the request is carried out all the
    same; ``silence`` is in seconds; ``text`` replaces the JSON.
    """

    request: str
    status: int = 500
    message: str = "Server Error"
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000
    carried_out: bool = False
    silence: float = 0.0
    text: str | None = None


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, as they went over the wire."""

    method: str
    path: str
    query: Mapping[str, str]
    sent: bytes
    status: int
    headers: Mapping[str, str]
    answered: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Fake:
    """A running GitHub: its state, what was asked of it, and what shall go wrong."""

    def __init__(self, state: State, *, prefix: str = "") -> None:
        self.state = state
        self.prefix = prefix
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        # Called before each request, to let something happen in between.
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[], None] = lambda: None
        self.token_reached_storage = False
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.api = ""
        self.storage = ""

    @property
    def calls(self) -> list[str]:
        """Return what was asked, as ``METHOD /path``."""
        return [f"{one.method} {one.path}" for one in self.exchanges]

    @property
    def writes(self) -> list[str]:
        """Return what was asked to change something."""
        return [
            f"{one.method} {one.path}"
            for one in self.exchanges
            if one.method != "GET" and not one.sent.startswith(_QUERY)
        ]

    def add_comment(self, pull: int, body: str, author: str | None = None) -> Comment:
        """Add a comment, of the token's author unless another is named."""
        number = len(self.state.comments)
        number = 1 + max((one.id for one in self.state.comments), default=100 + number)
        comment = Comment(
            id=number,
            pull=pull,
            author=author or self.state.author,
            body=body,
            updated_at=self.now(),
        )
        self.state.comments.append(comment)
        return comment

    def now(self) -> str:
        """Return a time that is later at each request, and with each comment."""
        passed = len(self.exchanges) + len(self.state.comments)
        at = _START + timedelta(seconds=passed)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def reply(
        self,
        request: str,
        query: dict[str, str],
        sent: bytes,
        authorization: str | None,
    ) -> Reply:
        """Return the answer to *request*, with the troubles that were ordered."""
        self.before(request)
        with self.lock:
            fault = self._fault(request)
            if fault is None or fault.carried_out:
                reply = self._reply(request, query, sent, authorization)
            if fault is None:
                return reply
        if fault.silence:
            self.stopping.wait(fault.silence)
        body = answers.error(fault.message) if fault.text is None else fault.text
        return Reply(fault.status, body, fault.headers)

    def _fault(self, request: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and re.search(fault.request, request):
                fault.times -= 1
                return fault
        return None

    def _reply(
        self,
        request: str,
        query: dict[str, str],
        sent: bytes,
        authorization: str | None,
    ) -> Reply:
        if (authorization or "").split(" ")[-1] != self.state.token:
            return _refused(401, "Bad credentials")
        reads = request.startswith(("GET ", "POST /graphql"))
        if not reads and not self.state.may_write:
            return _refused(403, "Resource not accessible by integration")
        body = json.loads(sent) if sent else {}
        for pattern, answer in _ROUTES.items():
            root = f"/repos/{re.escape(self.state.repository)}"
            found = re.fullmatch(pattern.replace("{root}", root), request)
            if found:
                return answer(self, query, body, *map(unquote, found.groups()))
        return _refused(404, "Not Found")

    def _find_comment(self, number: str) -> Comment | None:
        found = [one for one in self.state.comments if one.id == int(number)]
        return found[0] if found else None

    def _find_pull(self, number: str) -> Pull | None:
        found = [one for one in self.state.pulls if one.number == int(number)]
        return found[0] if found else None


def _refused(status: int, message: str, **more: Any) -> Reply:
    return Reply(status, answers.error(message, **more))


_NOT_FOUND = _refused(404, "Not Found")


def _too_long(body: str) -> Reply | None:
    if len(body) <= MOST_CHARACTERS:
        return None
    said = f"body is too long (maximum is {MOST_CHARACTERS} characters)"
    wrong = [{"resource": "IssueComment", "code": "unprocessable", "field": "data"}]
    return _refused(422, "Validation Failed", errors=[{**wrong[0], "message": said}])


def _paged(
    fake: Fake,
    request: str,
    query: dict[str, str],
    entries: list[Any],
    *,
    key: str = "",
) -> Reply:
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    shown = entries[(page - 1) * size : page * size]
    headers = {}
    if page * size < len(entries):
        following = urlencode({**query, "page": str(page + 1)})
        address = f"{fake.api}{request.partition(' ')[2]}?{following}"
        headers["Link"] = f'<{address}>; rel="next"'
    body = {"total_count": len(entries), key: shown} if key else shown
    return Reply(200, body, headers)


def _answer_of_pull(fake: Fake, pull: Pull) -> dict[str, Any]:
    here = answers.repository(fake.state.repository, fake.state.repository_id)
    head = pull.head_repository
    name = f"{pull.head_owner}/{fake.state.repository.partition('/')[2]}"
    of = None if head is None else answers.repository(name, head, fork=True)
    return answers.pull(
        pull.number,
        state=pull.state,
        head=answers.tip(pull.head_sha, pull.head_ref, of, pull.head_owner),
        base=answers.tip(pull.base_sha, pull.base_ref, here, "octo"),
        labels=pull.labels,
    )


def _answer_of_comment(comment: Comment) -> dict[str, Any]:
    return answers.comment(
        comment.id,
        pull=comment.pull,
        author=comment.author,
        body=comment.body,
        updated_at=comment.updated_at,
    )


def _get_pulls(fake: Fake, query: dict[str, str], body: Any) -> Reply:
    found = [
        _answer_of_pull(fake, pull)
        for pull in fake.state.pulls
        if pull.state == query.get("state", "open")
        and f"{pull.head_owner}:{pull.head_ref}" == query.get("head")
    ]
    return _paged(fake, f"GET /repos/{fake.state.repository}/pulls", query, found)


def _get_pull(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    pull = fake._find_pull(number)
    if pull is None:
        return _NOT_FOUND
    return Reply(200, answers.whole_pull(_answer_of_pull(fake, pull)))


def _get_comments(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    since = query.get("since", "")
    found = [
        _answer_of_comment(one)
        for one in fake.state.comments
        if one.pull == int(number) and one.updated_at > since
    ]
    request = f"GET /repos/{fake.state.repository}/issues/{number}/comments"
    return _paged(fake, request, query, found)


def _create_comment(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    refused = _too_long(body["body"])
    if refused:
        return refused
    comment = fake.add_comment(int(number), body["body"])
    made = _answer_of_comment(comment)
    return Reply(201, made, {"Location": made["url"]})


def _get_comment(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    comment = fake._find_comment(number)
    return _NOT_FOUND if comment is None else Reply(200, _answer_of_comment(comment))


def _edit_comment(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    comment = fake._find_comment(number)
    refused = _NOT_FOUND if comment is None else _too_long(body["body"])
    if refused or comment is None:
        return refused or _NOT_FOUND
    comment.body, comment.updated_at = body["body"], fake.now()
    return Reply(200, _answer_of_comment(comment))


def _delete_comment(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    comment = fake._find_comment(number)
    if comment is None:
        return _NOT_FOUND
    fake.state.comments.remove(comment)
    return Reply(204)


def _graphql(fake: Fake, query: dict[str, str], body: Any) -> Reply:
    variables = body["variables"]
    if body["query"].startswith("query("):
        return _get_objects(fake, body["query"], variables)
    if not fake.state.may_write:
        return _refused(403, "Resource not accessible by integration")
    comment = fake._find_comment(variables["node"].removeprefix("IC_"))
    if comment is None:
        message = f"Could not resolve to a node with the id '{variables['node']}'"
        wrong = [{"type": "NOT_FOUND", "message": message}]
        return Reply(200, {"data": None, "errors": wrong})
    if "updateIssueComment(" in body["query"]:
        comment.body, comment.updated_at = variables["body"], fake.now()
    found = re.search(r"minimizeComment\([^)]*classifier: (\w+)", body["query"])
    if found:
        comment.minimised = found[1]
    return Reply(200, {"data": {}})


def _get_objects(fake: Fake, asked: str, variables: dict[str, str]) -> Reply:
    if f"{variables['owner']}/{variables['name']}" != fake.state.repository:
        wrong = [{"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}]
        return Reply(200, {"data": {"repository": None}, "errors": wrong})
    places = re.findall(r"(\w+): object\(expression: \$(\w+)\)", asked)
    found = {place: _object(fake, variables[name]) for place, name in places}
    return Reply(200, {"data": {"repository": found}})


def _object(fake: Fake, expression: str) -> dict[str, Any] | None:
    """Return what `git rev-parse` finds, of which only a file has more than a type."""
    expression = expression.removeprefix("refs/heads/")
    there = fake.state.files
    if ":" not in expression:
        known = any(name.startswith(f"{expression}:") for name in there)
        return {"__typename": "Commit"} if known else None
    if any(name.startswith(f"{expression}/") for name in there):
        return {"__typename": "Tree"}
    content = there.get(expression)
    return None if content is None else answers.blob(content)


def _get_compare(fake: Fake, query: dict[str, str], body: Any, basehead: str) -> Reply:
    status = fake.state.ancestries.get(basehead)
    if status is None:
        return _NOT_FOUND
    base = basehead.partition("...")[0]
    return Reply(200, answers.comparison(status, base=base, merge_base=base))


def _get_commit(fake: Fake, query: dict[str, str], body: Any, sha: str) -> Reply:
    parents = fake.state.parents.get(sha)
    if parents is None:
        return _NOT_FOUND
    return Reply(200, answers.git_commit(sha, parents))


def _get_artifacts(fake: Fake, query: dict[str, str], body: Any, run: str) -> Reply:
    found = [
        answers.artifact(
            one.id,
            name=one.name,
            size=len(one.archive) if one.size is None else one.size,
            expired=one.expired,
            created_at=one.created_at,
            run=one.run,
            head_sha=one.head_sha,
        )
        for one in fake.state.artifacts
        if one.run == int(run) and query.get("name", one.name) == one.name
    ]
    request = f"GET /repos/{fake.state.repository}/actions/runs/{run}/artifacts"
    return _paged(fake, request, query, found, key="artifacts")


def _get_archive(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    found = [one for one in fake.state.artifacts if one.id == int(number)]
    if not found:
        return _NOT_FOUND
    if found[0].expired:
        return _refused(410, "Artifact has expired")
    return Reply(302, None, {"Location": f"{fake.storage}/{number}"})


def _get_run(fake: Fake, query: dict[str, str], body: Any, run: str) -> Reply:
    sha = fake.state.runs.get(int(run))
    if sha is None:
        return _NOT_FOUND
    here = answers.repository(fake.state.repository, fake.state.repository_id)
    return Reply(
        200, answers.workflow_run(int(run), head_sha=sha, head=here, here=here)
    )


def _get_checks(fake: Fake, query: dict[str, str], body: Any, sha: str) -> Reply:
    found = [
        check
        for check in fake.state.checks
        if check["head_sha"] == sha and check["name"] == query.get("check_name")
    ]
    request = f"GET /repos/{fake.state.repository}/commits/{sha}/check-runs"
    return _paged(fake, request, query, found, key="check_runs")


def _create_check(fake: Fake, query: dict[str, str], body: Any) -> Reply:
    check = answers.check_run(900 + len(fake.state.checks), body)
    fake.state.checks.append(check)
    return Reply(201, check)


def _update_check(fake: Fake, query: dict[str, str], body: Any, number: str) -> Reply:
    for place, check in enumerate(fake.state.checks):
        if check["id"] == int(number):
            changed = answers.check_run(int(number), {**check, **body})
            fake.state.checks[place] = changed
            return Reply(200, changed)
    return _NOT_FOUND


_ROUTES: Mapping[str, Callable[..., Reply]] = {
    r"GET {root}/pulls": _get_pulls,
    r"GET {root}/pulls/(\d+)": _get_pull,
    r"GET {root}/issues/(\d+)/comments": _get_comments,
    r"POST {root}/issues/(\d+)/comments": _create_comment,
    r"GET {root}/issues/comments/(\d+)": _get_comment,
    r"PATCH {root}/issues/comments/(\d+)": _edit_comment,
    r"DELETE {root}/issues/comments/(\d+)": _delete_comment,
    r"POST /graphql": _graphql,
    r"GET {root}/compare/([^/]+)": _get_compare,
    r"GET {root}/git/commits/([^/]+)": _get_commit,
    r"GET {root}/actions/runs/(\d+)/artifacts": _get_artifacts,
    r"GET {root}/actions/artifacts/(\d+)/zip": _get_archive,
    r"GET {root}/actions/runs/(\d+)": _get_run,
    r"GET {root}/commits/([^/]+)/check-runs": _get_checks,
    r"POST {root}/check-runs": _create_check,
    r"PATCH {root}/check-runs/(\d+)": _update_check,
}


class _Handler(BaseHTTPRequestHandler):
    """What both hosts share: they are silent, and close after each answer."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        """Answer, unless nobody waits any more."""
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True


def _api_of(fake: Fake) -> type[_Handler]:
    class Api(_Handler):
        def answer(self) -> None:
            address = urlsplit(self.path)
            path = address.path.removeprefix(fake.prefix)
            # Enterprise has GraphQL beside its REST, not below.
            path = "/graphql" if path.endswith("/graphql") else path
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            query = dict(parse_qsl(address.query))
            reply = fake.reply(
                f"{self.command} {path}", query, sent, self.headers["Authorization"]
            )
            content = _bytes_of(reply.body)
            headers = {"Content-Type": "application/json; charset=utf-8"}
            headers |= dict(reply.headers)
            fake.exchanges.append(
                Exchange(
                    method=self.command,
                    path=path,
                    query=query,
                    sent=sent,
                    status=reply.status,
                    headers=headers,
                    answered=content,
                )
            )
            fake.after()
            self.send(reply.status, content, headers)

        # The names that http.server asks for.
        do_GET = do_POST = answer  # noqa: N815
        do_PATCH = do_DELETE = answer  # noqa: N815

    return Api


def _bytes_of(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _storage_of(fake: Fake) -> type[_Handler]:
    class Storage(_Handler):
        def answer(self) -> None:
            fake.token_reached_storage |= "Authorization" in self.headers
            number = int(self.path.rpartition("/")[2])
            found = [one for one in fake.state.artifacts if one.id == number]
            self.send(200, found[0].archive, {"Content-Type": "application/zip"})

        do_GET = answer  # noqa: N815 - the name that http.server asks for

    return Storage


@contextmanager
def serving(
    state: State | None = None, *, prefix: str = "", port: int = 0
) -> Iterator[Fake]:
    """Serve *state* until the end of the block; 0 is any free port."""
    fake = Fake(state or State(), prefix=prefix)
    api = ThreadingHTTPServer(("127.0.0.1", port), _api_of(fake))
    storage = ThreadingHTTPServer(("127.0.0.1", 0), _storage_of(fake))
    fake.api = f"http://127.0.0.1:{api.server_port}{prefix}"
    fake.storage = f"http://localhost:{storage.server_port}"
    threads = [
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        for server in (api, storage)
    ]
    for thread in threads:
        thread.start()
    try:
        yield fake
    finally:
        fake.stopping.set()
        for server, thread in zip((api, storage), threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True, metavar="FILE")
    parser.add_argument("--prefix", default="")
    args = parser.parse_args()
    file: Path = args.state
    state = State()
    if file.exists():
        state = msgspec.json.decode(file.read_bytes(), type=_Kept).state
    with serving(state, prefix=args.prefix, port=args.port) as fake:
        fake.after = lambda: _keep(file, fake)
        _keep(file, fake)
        print(fake.api, flush=True)  # noqa: T201 - whoever started it has to know
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


@dataclass
class _Kept:
    """What the file holds."""

    state: State
    calls: list[str] = field(default_factory=list)


def _keep(file: Path, fake: Fake) -> None:
    with fake.lock:
        content = msgspec.json.encode(_Kept(fake.state, fake.calls))
        whole = file.with_suffix(".new")
        whole.write_bytes(msgspec.json.format(content))
        whole.replace(file)


if __name__ == "__main__":
    main()
