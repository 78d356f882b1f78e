"""One request → what GitHub answered, or a problem in one sentence.

The only file that knows PyGithub and requests, and it is imported where a request is
about to be sent: both take a fifth of a second.
A request that may be repeated is tried again. A POST never is: after a 502 it may
have been carried out, which only whoever sent it can find out.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import requests
from github import Auth, GithubException, GithubRetry
from github.Requester import Requester
from requests.adapters import HTTPAdapter
from requests.utils import parse_header_links
from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError, MaxRetryError, ResponseError
from urllib3.util import Retry

from benchgate.documents.wire import in_one_line
from benchgate.errors import PublishError
from benchgate.github.failures import RefusedError, UnsureError
from benchgate.github.patience import Patience

PER_PAGE = 100
# No pull request has ten thousand comments: the pages lead in a circle.
_MOST_PAGES = 100
_CHUNK = 65_536
_REPEATABLE = ("GET", "HEAD", "PUT", "PATCH", "DELETE")
_TRY_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, 500, 502, 503, 504)
# PyGithub asserts that an address is GitHub's, raises RuntimeError for a redirect to
# another host, ValueError for half a JSON, AttributeError for an error in a list.
_SURPRISES = (AssertionError, AttributeError, RuntimeError, ValueError)
_QUERY = re.compile(r"\?[^\s)'\"]*")
_HINTS: Mapping[int, str] = {
    401: "give `github-token` a token that is still valid",
    403: "grant the job what docs/github.md lists; for forks publish by `report`",
    404: "check that the token may read the repository and that the thing exists",
    410: "re-run the workflow that measures: what it kept has expired",
    429: "re-run the job later: GitHub asks for patience",
}
_LATER = "re-run the job later, or look whether GitHub has an incident"
_REFUSED = "report this as a bug of benchgate: GitHub refused what it sent"


class Wire:
    """A connection to GitHub's API that is closed by ``with``."""

    def __init__(self, api: str, token: str, patience: Patience) -> None:
        """Prepare requests to *api*; nothing is sent."""
        # It would print each refusal, which is told as a problem anyway.
        logging.getLogger("github").setLevel(logging.WARNING)
        self._api = api
        self._token = token
        self._patience = patience
        self._requester = Requester(
            auth=Auth.Token(token),
            base_url=api,
            # PyGithub says int, and hands it on to requests, which takes fractions.
            timeout=patience.answer,  # type: ignore[arg-type]
            user_agent="benchgate",
            per_page=PER_PAGE,
            verify=True,
            retry=_Retry(
                max_rate_limit_wait=patience.limit,
                secondary_rate_wait=patience.limit / 2,
                allowed_methods=_REPEATABLE,
                status_forcelist=list(_TRY_AGAIN),
                **_times(patience),
            ),
            pool_size=None,
            seconds_between_writes=patience.between_writes,
        )

    def close(self) -> None:
        """Close what is open."""
        self._requester.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the JSON that answers *method* on *path*, decoded.

        Raises RefusedError where GitHub said no, UnsureError where it said nothing
        of use, which for a write leaves open whether it was carried out.
        """
        return self._send(method, path, query=query, body=body)[1]

    def pages(self, path: str, query: Mapping[str, str]) -> list[Any]:
        """Return the answers to GET *path* page by page, as ``Link`` leads."""
        answers: list[Any] = []
        following: str | None = path
        asked: Mapping[str, str] | None = {**query, "per_page": str(PER_PAGE)}
        while following is not None:
            if len(answers) == _MOST_PAGES:
                raise PublishError(f"GET {path}: more than {_MOST_PAGES} pages")
            headers, answer = self._send("GET", following, query=asked)
            answers.append(answer)
            following, asked = _next_page(headers), None
        return answers

    def ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        """Return what answers a GraphQL *query*, which changes nothing.

        So it is tried again, unlike any other POST; raises as ``send`` does.
        """
        for _ in range(self._patience.tries - 1):
            with suppress(UnsureError):
                return self._graphql(query, variables)
            time.sleep(self._patience.between_tries)
        return self._graphql(query, variables)

    def mutate(self, mutation: str, variables: Mapping[str, Any]) -> None:
        """Carry out a GraphQL *mutation*; raises as ``send`` does."""
        self._graphql(mutation, variables)

    def download(self, path: str, *, most: int) -> bytes | None:
        """Return the bytes behind *path*, wherever it redirects to, or None.

        None where there are more than *most*: no more than these are ever read.
        The token goes to GitHub alone. Not by PyGithub, which refuses storage hosts.
        """
        with _translated("GET", path), requests.Session() as session:
            # Without this a .netrc would replace the token that was given.
            session.auth = _as_given
            # Storage could ask for hours of patience, so what it asks for is ignored.
            retry = Retry(
                status_forcelist=_TRY_AGAIN,
                respect_retry_after_header=False,
                **_times(self._patience),
            )
            adapter = HTTPAdapter(max_retries=retry)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            with session.get(
                self._api + path,
                headers={
                    "Authorization": f"Bearer {self._token}",
                    "User-Agent": "benchgate",
                },
                timeout=self._patience.answer,
                stream=True,
            ) as answer:
                if answer.status_code != HTTPStatus.OK:
                    raise _refusal("GET", path, answer.status_code, answer.reason)
                return self._read(answer, most=most)

    def _graphql(self, text: str, variables: Mapping[str, Any]) -> Any:
        with _translated("POST", "/graphql"):
            return self._requester.graphql_query(text, dict(variables))[1]

    def _read(self, answer: requests.Response, *, most: int) -> bytes | None:
        until = time.monotonic() + self._patience.download
        content = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            content += chunk
            if len(content) > most:
                return None
            if time.monotonic() > until:
                seconds = self._patience.download
                raise requests.Timeout(f"not complete after {seconds:g} s")
        return bytes(content)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[Mapping[str, Any], Any]:
        with _translated(method, path):
            return self._requester.requestJsonAndCheck(
                method,
                path,
                parameters=None if query is None else dict(query),
                input=body,
            )


class _Retry(GithubRetry):
    """Tries again, unless GitHub asks for more patience than there is."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Return what is left of the patience after one more failure."""
        wait = None if response is None else self.get_retry_after(response)
        if _pool and wait and wait > (self.max_rate_limit_wait or 0):
            why = ResponseError(f"a wait of {wait:.0f} s was asked for")
            raise MaxRetryError(_pool, url or "", why)
        return super().increment(  # type: ignore[return-value]
            method,
            url,
            response,  # type: ignore[arg-type]
            error,
            _pool,
            _stacktrace,
        )


class _translated:  # noqa: N801 - read as `with _translated(...)`
    """Turns what the libraries raise into the errors of this file."""

    def __init__(self, method: str, path: str) -> None:
        self._method = method
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, GithubException):
            raise self._of(error) from error
        if isinstance(error, (requests.RequestException, HTTPError, *_SURPRISES)):
            # Where an artifact is stored is an address that opens it for anybody.
            said = _QUERY.sub("?…", str(error)) or type(error).__name__
            said = in_one_line(said)
            problem = f"{self._method} {self._path}: no answer of use: {said}"
            raise UnsureError(problem, hint=_LATER) from error

    def _of(self, error: GithubException) -> PublishError:
        data = error.data
        said = data.get("message") if isinstance(data, dict) else None
        said = said or error.message or ""
        if isinstance(data, dict) and data.get("errors"):
            said = f"{said} {data['errors']}"
        return _refusal(self._method, self._path, error.status, str(said))


def _refusal(method: str, path: str, status: int, said: str) -> PublishError:
    said = in_one_line(said.strip())
    problem = f"{method} {path}: GitHub answered {status}" + (said and f": {said}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnsureError(problem, hint=_LATER)
    # GitHub says so with a 403 as well.
    limited = "rate limit" in said.lower()
    hint = _HINTS.get(429 if limited else status, _REFUSED)
    return RefusedError(problem, status=status, said=said, hint=hint)


def _times(patience: Patience) -> dict[str, Any]:
    # In the end the last answer is wanted, not that there were too many of them.
    return {
        "total": patience.tries - 1,
        "backoff_factor": patience.between_tries,
        "raise_on_status": False,
    }


def _next_page(headers: Mapping[str, Any]) -> str | None:
    links = parse_header_links(headers.get("link", ""))
    return next((link["url"] for link in links if link.get("rel") == "next"), None)


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
