"""What is asked of GitHub, one method a question, and its answers as nouns.

Answers are read tolerantly, since GitHub adds keys, but one that lacks what is needed
is a problem and never a crash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

import msgspec

from benchgate.documents.wire import in_one_line
from benchgate.errors import PublishError, UsageError
from benchgate.github.failures import RefusedError, UnsureError
from benchgate.github.patience import Patience

if TYPE_CHECKING:
    from benchgate.github.wire import Wire

T = TypeVar("T")

_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
# One request for both: a comment that lost its marker is never left in the open.
_RETIRE = """\
mutation($node: ID!, $body: String!) {
  updateIssueComment(input: {id: $node, body: $body}) { clientMutationId }
  minimizeComment(input: {subjectId: $node, classifier: OUTDATED}) {
    clientMutationId
  }
}"""
# Expressions are variables and never a part of the query: branches may be called
# whatever Git allows.
_TEXTS = """\
query($owner: String!, $name: String!, {variables}) {{
  repository(owner: $owner, name: $name) {{
{objects}
  }}
}}"""
_TEXT = """\
    {place}: object(expression: ${place}) {{
      __typename
      ... on Blob {{ text isBinary isTruncated }}
    }}"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository is: addresses without a slash at the end, ``owner/name``."""

    api: str
    server: str
    repository: str


@dataclass(frozen=True, slots=True)
class Tip:
    """One end of a pull request; ``repository`` is an id, None where it is gone."""

    sha: str
    ref: str
    repository: int | None


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request as it is now; ``default_branch`` is its repository's."""

    number: int
    state: str
    head: Tip
    base: Tip
    default_branch: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a pull request; ``author`` is empty where the account is gone."""

    id: int
    node_id: str
    author: str
    body: str
    updated_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Ancestry:
    """How a head lies to a base: ``ahead``, ``behind``, ``identical``, ``diverged``."""

    status: str
    merge_base: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a workflow run uploaded; ``size`` in bytes, ``run`` None where not told."""

    id: int
    name: str
    size: int
    expired: bool
    created_at: str
    run: int | None
    head_sha: str | None


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a workflow; ``number`` stays in a re-run, ``attempt`` rises."""

    id: int
    workflow: int
    number: int
    attempt: int
    event: str
    status: str
    conclusion: str | None
    head_sha: str
    url: str


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check run; ``key`` is what its creator calls it."""

    id: int
    name: str
    key: str
    url: str


def place_in(variables: Mapping[str, str]) -> Place:
    """Return the place that the variables of a job name.

    Raises UsageError where they name no repository.
    """
    repository = variables.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        said = in_one_line(repository)
        raise UsageError(
            f"GITHUB_REPOSITORY: `{said}` is not OWNER/NAME",
            hint="run this in a GitHub workflow",
        )
    return Place(
        api=_address(variables, "GITHUB_API_URL", "https://api.github.com"),
        server=_address(variables, "GITHUB_SERVER_URL", "https://github.com"),
        repository=repository,
    )


def connect(place: Place, token: str, *, patience: Patience | None = None) -> Client:
    """Return a client for *place*, to be closed by ``with``; nothing is sent yet.

    Raises PublishError without a *token*.
    """
    if not token:
        raise PublishError(
            f"{place.api}: no token was given",
            hint="set `github-token: ${{ github.token }}` in the step",
        )
    from benchgate.github.wire import Wire  # noqa: PLC0415 - loads PyGithub

    return Client(place, Wire(place.api, token, patience or Patience()))


class Client:
    """What is asked of one repository; every failure is a PublishError."""

    def __init__(self, place: Place, wire: Wire) -> None:
        """Ask about *place* over *wire*."""
        self.place = place
        self._wire = wire
        self._root = f"/repos/{place.repository}"

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._wire.close()

    def pull(self, number: int) -> Pull:
        """Return the pull request *number* as it is now."""
        return _pull_of(self._get(f"/pulls/{number}", _Pull))

    def open_pulls(self, owner: str, branch: str) -> tuple[Pull, ...]:
        """Return the open pull requests from *branch* of *owner*."""
        query = {"state": "open", "head": f"{owner}:{branch}"}
        return tuple(map(_pull_of, self._list("/pulls", query, list[_Pull])))

    def comments(
        self, number: int, *, since: datetime | None = None
    ) -> tuple[Comment, ...]:
        """Return all comments of pull request *number*, the oldest first.

        With *since*, those changed after that time.
        """
        query = {} if since is None else {"since": _zulu(since)}
        found = self._list(f"/issues/{number}/comments", query, list[_Comment])
        return tuple(sorted(map(_comment_of, found), key=lambda comment: comment.id))

    def comment(self, comment: Comment) -> Comment | None:
        """Return *comment* as it is now, None where it was deleted."""
        try:
            found = self._get(f"/issues/comments/{comment.id}", _Comment)
        except RefusedError as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                return None
            raise
        return _comment_of(found)

    def create_comment(self, number: int, body: str) -> Comment:
        """Write a comment below pull request *number*.

        Raises UnsureError where it may be there all the same.
        """
        path = f"/issues/{number}/comments"
        return _comment_of(self._write("POST", path, {"body": body}, _Comment))

    def edit_comment(self, comment: Comment, body: str) -> Comment:
        """Give *comment* another body; nobody is notified."""
        path = f"/issues/comments/{comment.id}"
        return _comment_of(self._write("PATCH", path, {"body": body}, _Comment))

    def delete_comment(self, comment: Comment) -> None:
        """Delete *comment*."""
        self._wire.send("DELETE", f"{self._root}/issues/comments/{comment.id}")

    def retire_comment(self, comment: Comment, body: str) -> None:
        """Give *comment* another body and fold it away as outdated."""
        self._wire.mutate(_RETIRE, {"node": comment.node_id, "body": body})

    def compare(self, base: str, head: str) -> Ancestry:
        """Return how *head* lies to *base*: shas, or names of branches."""
        basehead = f"{quote(base, safe='')}...{quote(head, safe='')}"
        # Only the answer's head is wanted, and each commit makes it larger.
        answer = self._get(f"/compare/{basehead}", _Compared, {"per_page": "1"})
        return Ancestry(answer.status, answer.merge_base_commit.sha)

    def parents(self, sha: str) -> tuple[str, ...] | None:
        """Return the parents of the commit *sha*, None where there is none such."""
        try:
            commit = self._get(f"/git/commits/{quote(sha, safe='')}", _Commit)
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return tuple(parent.sha for parent in commit.parents)

    def texts(self, files: Sequence[tuple[str, str]]) -> tuple[str | None, ...]:
        """Return the text of each of *files*, (ref, path), None where it isn't there.

        All of them are one request. A ref is a commit, or the whole name of a branch.
        Raises PublishError also where a ref is unknown, which is not the same, and
        where there is something else than a text of less than half a megabyte.
        """
        refs = tuple(dict.fromkeys(ref for ref, _ in files))
        expressions = [*refs, *(f"{ref}:{path}" for ref, path in files)]
        variables = {f"at{n}": text for n, text in enumerate(expressions)}
        query = _TEXTS.format(
            variables=", ".join(f"${place}: String!" for place in variables),
            objects="\n".join(_TEXT.format(place=place) for place in variables),
        )
        owner, _, name = self.place.repository.partition("/")
        answer = self._wire.ask(query, {"owner": owner, "name": name, **variables})
        found = _shaped(answer, _Texts, request="POST /graphql").data.repository
        objects = [found.get(place) for place in variables]
        for ref, commit in zip(refs, objects, strict=False):
            if commit is None:
                said = in_one_line(ref)
                raise PublishError(f"{self.place.repository}: there is no `{said}`")
        return tuple(
            None if blob is None else _text_of(blob, path)
            for blob, (_, path) in zip(objects[len(refs) :], files, strict=True)
        )

    def artifacts(self, run: int, name: str) -> tuple[Artifact, ...]:
        """Return the artifacts of workflow run *run* that are called *name*."""
        path = f"/actions/runs/{run}/artifacts"
        found = self._list(path, {"name": name}, _Artifacts)
        return tuple(_artifact_of(artifact) for artifact in found)

    def archive(self, artifact: Artifact, *, most: int) -> bytes | None:
        """Return the zip of *artifact*, None where it has more than *most* bytes."""
        path = f"{self._root}/actions/artifacts/{artifact.id}/zip"
        return self._wire.download(path, most=most)

    def workflow_run(self, run: int) -> WorkflowRun:
        """Return the workflow run with the id *run*."""
        answer = self._get(f"/actions/runs/{run}", _WorkflowRun)
        return WorkflowRun(
            id=answer.id,
            workflow=answer.workflow_id,
            number=answer.run_number,
            attempt=answer.run_attempt,
            event=answer.event,
            status=answer.status,
            conclusion=answer.conclusion,
            head_sha=answer.head_sha,
            url=answer.html_url,
        )

    def check_runs(self, sha: str, name: str) -> tuple[CheckRun, ...]:
        """Return the check runs called *name* of the commit *sha*."""
        path = f"/commits/{quote(sha, safe='')}/check-runs"
        found = self._list(path, {"check_name": name}, _CheckRuns)
        return tuple(map(_check_of, found))

    def create_check(self, fields: Mapping[str, Any]) -> CheckRun:
        """Create a check run from the *fields* that GitHub asks for."""
        return _check_of(self._write("POST", "/check-runs", fields, _CheckRun))

    def update_check(self, check: CheckRun, fields: Mapping[str, Any]) -> CheckRun:
        """Give *check* other *fields*."""
        path = f"/check-runs/{check.id}"
        return _check_of(self._write("PATCH", path, fields, _CheckRun))

    def _get(
        self, path: str, shape: type[T], query: Mapping[str, str] | None = None
    ) -> T:
        answer = self._wire.send("GET", self._root + path, query=query)
        return _shaped(answer, shape, request=f"GET {self._root}{path}")

    def _list(self, path: str, query: Mapping[str, str], shape: Any) -> list[Any]:
        """Return the entries of all pages; each page has *shape*, and iterates."""
        pages = self._wire.pages(self._root + path, query)
        request = f"GET {self._root}{path}"
        return [
            entry for page in pages for entry in _shaped(page, shape, request=request)
        ]

    def _write(
        self, method: str, path: str, body: Mapping[str, Any], shape: type[T]
    ) -> T:
        answer = self._wire.send(method, self._root + path, body=body)
        return _shaped(answer, shape, request=f"{method} {self._root}{path}")


class _Repository(msgspec.Struct):
    id: int
    default_branch: str = ""


class _Tip(msgspec.Struct):
    sha: str
    ref: str
    repo: _Repository | None


class _Label(msgspec.Struct):
    name: str


class _Pull(msgspec.Struct):
    number: int
    state: str
    head: _Tip
    base: _Tip
    labels: list[_Label]


class _User(msgspec.Struct):
    login: str


class _Comment(msgspec.Struct):
    id: int
    node_id: str
    updated_at: datetime
    html_url: str
    user: _User | None
    body: str | None = None


class _Sha(msgspec.Struct):
    sha: str


class _Compared(msgspec.Struct):
    status: str
    merge_base_commit: _Sha


class _Commit(msgspec.Struct):
    parents: list[_Sha]


class _Object(msgspec.Struct):
    kind: str = msgspec.field(name="__typename")
    text: str | None = None
    is_binary: bool | None = msgspec.field(name="isBinary", default=None)
    is_truncated: bool = msgspec.field(name="isTruncated", default=False)


class _InRepository(msgspec.Struct):
    repository: dict[str, _Object | None]


class _Texts(msgspec.Struct):
    data: _InRepository


class _OfRun(msgspec.Struct):
    id: int | None = None
    head_sha: str | None = None


class _Artifact(msgspec.Struct):
    id: int
    name: str
    size_in_bytes: int
    expired: bool
    created_at: str | None
    workflow_run: _OfRun | None = None


class _Artifacts(msgspec.Struct):
    artifacts: list[_Artifact]

    def __iter__(self) -> Any:
        return iter(self.artifacts)


class _WorkflowRun(msgspec.Struct):
    id: int
    workflow_id: int
    run_number: int
    event: str
    status: str
    conclusion: str | None
    head_sha: str
    html_url: str
    run_attempt: int = 1


class _CheckRun(msgspec.Struct):
    id: int
    name: str
    external_id: str | None
    html_url: str | None


class _CheckRuns(msgspec.Struct):
    check_runs: list[_CheckRun]

    def __iter__(self) -> Any:
        return iter(self.check_runs)


def _address(variables: Mapping[str, str], name: str, public: str) -> str:
    address = variables.get(name, "") or public
    if not address.startswith(("https://", "http://")):
        raise UsageError(f"{name}: `{in_one_line(address)}` is not an https address")
    return address.rstrip("/")


def _zulu(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shaped(answer: Any, shape: type[T], *, request: str) -> T:
    try:
        return msgspec.convert(answer, shape)
    except msgspec.ValidationError as error:
        said = in_one_line(str(error))
        problem = f"{request}: not what GitHub answers: {said}"
        raise UnsureError(problem, hint="look for a proxy in between") from error


def _pull_of(pull: _Pull) -> Pull:
    base = pull.base.repo
    return Pull(
        number=pull.number,
        state=pull.state,
        head=_tip_of(pull.head),
        base=_tip_of(pull.base),
        default_branch="" if base is None else base.default_branch,
        labels=tuple(label.name for label in pull.labels),
    )


def _tip_of(tip: _Tip) -> Tip:
    return Tip(tip.sha, tip.ref, None if tip.repo is None else tip.repo.id)


def _comment_of(comment: _Comment) -> Comment:
    return Comment(
        id=comment.id,
        node_id=comment.node_id,
        author="" if comment.user is None else comment.user.login,
        body=comment.body or "",
        updated_at=comment.updated_at,
        url=comment.html_url,
    )


def _text_of(blob: _Object, path: str) -> str:
    if blob.kind != "Blob" or blob.text is None or blob.is_truncated:
        problem = f"{in_one_line(path)}: it is no text, or too long to be read"
        raise PublishError(problem, hint="make it a plain, small file")
    return blob.text


def _artifact_of(artifact: _Artifact) -> Artifact:
    run = artifact.workflow_run or _OfRun()
    return Artifact(
        id=artifact.id,
        name=artifact.name,
        size=artifact.size_in_bytes,
        expired=artifact.expired,
        created_at=artifact.created_at or "",
        run=run.id,
        head_sha=run.head_sha,
    )


def _check_of(check: _CheckRun) -> CheckRun:
    return CheckRun(
        id=check.id,
        name=check.name,
        key=check.external_id or "",
        url=check.html_url or "",
    )
