from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from benchgate.errors import PublishError, UsageError
from benchgate.github.api import Ancestry, Client, Place, connect, place_in
from benchgate.github.failures import RefusedError, UnsureError
from tests.github_server import Fake, Fault, Pull, State, serving
from tests.unit.github.conftest import AT_ONCE, HEAD, PULL, Connected

Question = Callable[[Client], Any]
WRITE: Question = lambda client: client.create_comment(PULL, "Hello.")  # noqa: E731
READ: Question = lambda client: client.pull(PULL)  # noqa: E731


def test_a_pull_request_is_read(client: Client) -> None:
    pull = client.pull(PULL)

    assert (pull.number, pull.state, pull.default_branch) == (7, "open", "main")
    assert (pull.head.sha, pull.head.ref, pull.head.repository) == (HEAD, "faster", 2)
    assert (pull.base.ref, pull.base.repository) == ("main", 1)


def test_labels_are_read(client: Client, github: Fake) -> None:
    github.state.pulls[0].labels = ["perf: accepted", "bug"]

    assert client.pull(PULL).labels == ("perf: accepted", "bug")


def test_a_fork_that_is_gone_has_no_repository(client: Client, github: Fake) -> None:
    github.state.pulls[0].head_repository = None

    assert client.pull(PULL).head.repository is None


def test_all_pages_of_comments_are_read(client: Client, github: Fake) -> None:
    for number in range(201):
        github.add_comment(PULL, str(number))

    assert [one.body for one in client.comments(PULL)] == [str(n) for n in range(201)]
    assert len(github.calls) == 3


def test_exactly_one_page_is_one_request(client: Client, github: Fake) -> None:
    for number in range(100):
        github.add_comment(PULL, str(number))

    assert len(client.comments(PULL)) == 100
    assert len(github.calls) == 1


def test_pages_that_lead_in_a_circle_end(client: Client, github: Fake) -> None:
    again = f"{github.api}/repos/octo/shop/issues/7/comments?page=2"
    link = {"Link": f'<{again}>; rel="next"'}
    github.faults.append(Fault("comments", status=200, text="[]", headers=link))

    with pytest.raises(PublishError, match="more than 100 pages"):
        client.comments(PULL)


def test_a_page_on_another_host_is_never_asked(client: Client, github: Fake) -> None:
    link = {"Link": '<http://evil.example/comments>; rel="next"'}
    github.faults.append(Fault("comments", status=200, text="[]", headers=link))

    with pytest.raises(UnsureError, match="no answer of use"):
        client.comments(PULL)


def test_a_branch_with_odd_letters_is_asked_for_as_it_is(
    client: Client, github: Fake
) -> None:
    branch = "fix/100%&state=closed#ü"
    github.state.pulls.append(Pull(8, HEAD, head_ref=branch))

    assert [pull.number for pull in client.open_pulls("mallory", branch)] == [8]


def test_a_comparison_is_read(client: Client, github: Fake) -> None:
    github.state.ancestries[f"{HEAD}...feature/x"] = "ahead"

    assert client.compare(HEAD, "feature/x") == Ancestry("ahead", HEAD)


MAIN = "refs/heads/main"


def test_many_files_are_read_by_one_request(client: Client, github: Fake) -> None:
    files = {"main:README.md": b"", f"{HEAD}:.github/a b.yml": "ü: \n".encode()}
    github.state.files = files

    texts = client.texts(
        [(MAIN, "README.md"), (MAIN, "absent.yml"), (HEAD, ".github/a b.yml")]
    )

    assert texts == ("", None, "ü: \n")
    assert github.calls == ["POST /graphql"]
    assert github.writes == []


def test_the_name_of_a_branch_is_no_part_of_the_query(
    client: Client, github: Fake
) -> None:
    branch = 'x") { id } #$at0'
    github.state.files = {f"{branch}:a.yml": b"text", "main:a.yml": b"other"}

    assert client.texts([(f"refs/heads/{branch}", "a.yml")]) == ("text",)
    assert b"{ id }" not in github.exchanges[0].sent.partition(b'"variables"')[0]


def test_a_file_of_an_unknown_commit_is_not_absent(client: Client) -> None:
    with pytest.raises(PublishError, match="there is no `refs/heads/main`"):
        client.texts([(MAIN, "benchgate.yml")])


@pytest.mark.parametrize(
    "files",
    [
        {"main:benchgate.yml/a": b"in a folder of this name"},
        {"main:benchgate.yml": b"\xff"},
        {"main:benchgate.yml": b"a" * 600_000},
    ],
)
def test_what_is_no_small_file_is_a_problem(
    client: Client, github: Fake, files: dict[str, bytes]
) -> None:
    github.state.files = files

    with pytest.raises(PublishError, match=r"benchgate\.yml: it is no text"):
        client.texts([(MAIN, "benchgate.yml")])


def test_a_repository_that_is_gone_is_a_problem(github: Fake) -> None:
    place = Place(github.api, "https://github.com", "octo/other")

    with (
        connect(place, "the-token", patience=AT_ONCE) as client,
        pytest.raises(RefusedError, match="404"),
    ):
        client.texts([(MAIN, "benchgate.yml")])


def test_a_question_about_files_is_tried_again(client: Client, github: Fake) -> None:
    github.state.files = {"main:a.yml": b"text"}
    github.faults.append(Fault("POST /graphql", status=502, times=2))

    assert client.texts([(MAIN, "a.yml")]) == ("text",)


@pytest.mark.parametrize(
    "answer", ["[]", "{}", '{"data": {"repository": null}}', '{"data": {"a": {}}}']
)
def test_an_answer_about_files_that_is_none_is_a_problem(
    client: Client, github: Fake, answer: str
) -> None:
    github.faults.append(Fault("POST /graphql", status=200, text=answer))

    with pytest.raises(UnsureError):
        client.texts([(MAIN, "a.yml")])


def test_a_workflow_run_is_read(client: Client, github: Fake) -> None:
    github.state.runs[31] = HEAD

    run = client.workflow_run(31)

    assert (run.id, run.number, run.attempt, run.head_sha) == (31, 12, 1, HEAD)


def test_an_unknown_commit_has_no_parents(client: Client) -> None:
    assert client.parents("c" * 40) is None


def test_no_token_is_a_problem_before_anything_is_sent(github: Fake) -> None:
    with pytest.raises(PublishError, match="no token was given"):
        connect(Place(github.api, "", "octo/shop"), "")


def test_a_wrong_token_says_so(connected: Connected) -> None:
    with pytest.raises(PublishError, match="GitHub answered 401: Bad credentials"):
        connected(token="old").pull(PULL)  # noqa: S106


def test_a_token_of_a_fork_may_not_write(client: Client, github: Fake) -> None:
    github.state.may_write = False

    with pytest.raises(RefusedError) as caught:
        client.create_comment(PULL, "Hello.")

    assert caught.value.problem == (
        "POST /repos/octo/shop/issues/7/comments: GitHub answered 403: "
        "Resource not accessible by integration"
    )
    assert "for forks" in caught.value.hint
    assert len(github.calls) == 1


def test_something_that_isn_t_there_is_a_problem(client: Client) -> None:
    with pytest.raises(PublishError, match=r"^GET /repos/octo/shop/pulls/8: .* 404"):
        client.pull(8)


def test_a_comment_that_is_too_long_is_a_problem(client: Client) -> None:
    with pytest.raises(
        PublishError, match=r"422: Validation Failed .*body is too long"
    ):
        client.create_comment(PULL, "x" * 65_537)


@pytest.mark.parametrize("ask", [READ, WRITE])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3600"}])
def test_a_429_ends_in_a_problem(
    client: Client, github: Fake, headers: dict[str, str], ask: Question
) -> None:
    github.faults.append(Fault("", status=429, message="Slow down", headers=headers))

    with pytest.raises(PublishError, match="429: Slow down"):
        ask(client)


@pytest.mark.parametrize("asked", [{}, {"Retry-After": "0"}])
def test_a_429_is_waited_for(
    client: Client, github: Fake, asked: dict[str, str]
) -> None:
    github.faults.append(Fault("", status=429, times=2, headers=asked))

    assert client.pull(PULL).number == PULL
    assert len(github.calls) == 3


def test_more_patience_than_there_is_is_not_waited_for(
    client: Client, github: Fake
) -> None:
    github.faults.append(Fault("", status=429, headers={"Retry-After": "6"}))

    with pytest.raises(PublishError, match="429"):
        client.pull(PULL)

    assert len(github.calls) == 1


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Reset": "4102444800"}])
def test_a_used_up_rate_is_a_problem_and_no_sleep_of_an_hour(
    client: Client, github: Fake, headers: dict[str, str]
) -> None:
    said = "API rate limit exceeded for installation ID 1."
    github.faults.append(Fault("", status=403, message=said, headers=headers))

    with pytest.raises(PublishError, match="403"):
        client.pull(PULL)


def test_a_used_up_rate_asks_for_patience(client: Client, github: Fake) -> None:
    said = "You have exceeded a secondary rate limit."
    github.faults.append(Fault("POST", status=403, message=said))

    with pytest.raises(PublishError) as caught:
        client.create_comment(PULL, "Hello.")

    assert caught.value.hint == "re-run the job later: GitHub asks for patience"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_is_tried_again(client: Client, github: Fake, status: int) -> None:
    github.faults.append(Fault("", status=status, times=2))

    assert client.pull(PULL).number == PULL


def test_an_edit_is_tried_again(client: Client, github: Fake) -> None:
    comment = client.create_comment(PULL, "Hello.")
    github.faults.append(Fault("PATCH", status=502, times=2))

    assert client.edit_comment(comment, "Bye.").body == "Bye."


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_post_is_never_repeated(client: Client, github: Fake, status: int) -> None:
    github.faults.append(Fault("POST", status=status, carried_out=True))

    with pytest.raises(PublishError, match=str(status)):
        client.create_comment(PULL, "Hello.")

    assert len(github.state.comments) == 1


def test_a_server_error_leaves_open_whether_it_was_done(
    client: Client, github: Fake
) -> None:
    github.faults.append(Fault("POST", status=502))

    with pytest.raises(UnsureError):
        client.create_comment(PULL, "Hello.")


@pytest.mark.parametrize("ask", [READ, WRITE])
def test_silence_is_a_problem(
    connected: Connected, github: Fake, ask: Question
) -> None:
    github.faults.append(Fault("", silence=30))
    impatient = connected(replace(AT_ONCE, answer=0.05, tries=2))

    with pytest.raises(UnsureError, match="timed out"):
        ask(impatient)


@pytest.mark.parametrize("ask", [READ, WRITE])
def test_nobody_there_is_a_problem(ask: Question) -> None:
    with serving() as fake:
        place = Place(fake.api, "", "octo/shop")

    with (
        connect(place, "t", patience=AT_ONCE) as client,
        pytest.raises(UnsureError, match=r"octo/shop.*: no answer of use: .*refused"),
    ):
        ask(client)


@pytest.mark.parametrize("ask", [READ, WRITE])
@pytest.mark.parametrize(
    "text",
    ["", "<html>Log in to the proxy</html>", '{"id": ', "[", "[]", "null", "{}", "7"],
)
@pytest.mark.parametrize("status", [200, 201])
def test_what_is_not_json_of_github_is_a_problem(
    client: Client, github: Fake, ask: Question, text: str, status: int
) -> None:
    github.faults.append(Fault("", status=status, text=text))

    with pytest.raises(UnsureError):
        ask(client)


@pytest.mark.parametrize("text", ["", "no", "[]", '["no"]', "null", '{"message": 7}'])
@pytest.mark.parametrize("status", [400, 403, 404, 422, 500])
def test_an_error_that_is_not_json_of_github_is_a_problem(
    client: Client, github: Fake, text: str, status: int
) -> None:
    github.faults.append(Fault("", status=status, text=text))

    with pytest.raises(PublishError):
        client.pull(PULL)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(
    client: Client, github: Fake, status: int
) -> None:
    elsewhere = {"Location": "http://evil.example/"}
    github.faults.append(Fault("", status=status, text="{}", headers=elsewhere))

    with pytest.raises(PublishError):
        client.pull(PULL)


def test_what_github_says_is_one_short_line(client: Client, github: Fake) -> None:
    said = "no\n::error::forged\x1b[31m" + "x" * 5_000
    github.faults.append(Fault("", status=400, message=said))

    with pytest.raises(PublishError) as caught:
        client.pull(PULL)

    assert caught.value.problem.isprintable()
    assert len(caught.value.problem) < 400


def test_the_addresses_of_an_enterprise_are_used(github: Fake) -> None:
    with serving(State(pulls=[Pull(PULL, HEAD)]), prefix="/api/v3") as fake:
        place = Place(fake.api, "https://git.example", "octo/shop")
        with connect(place, "the-token", patience=AT_ONCE) as client:
            comment = client.create_comment(PULL, "Hello.")
            client.retire_comment(comment, "Bye.")
            client.comments(PULL)

    assert fake.api.endswith("/api/v3")
    assert fake.state.comments[0].minimised == "OUTDATED"


def test_the_place_comes_from_the_variables_of_the_job() -> None:
    variables = {
        "GITHUB_API_URL": "https://git.example/api/v3/",
        "GITHUB_SERVER_URL": "https://git.example",
        "GITHUB_REPOSITORY": "octo/shop.rs",
    }

    assert place_in(variables) == Place(
        "https://git.example/api/v3", "https://git.example", "octo/shop.rs"
    )


def test_the_public_addresses_are_the_default() -> None:
    assert place_in({"GITHUB_REPOSITORY": "octo/shop"}) == Place(
        "https://api.github.com", "https://github.com", "octo/shop"
    )


@pytest.mark.parametrize("repository", ["", "shop", "octo/shop/../../x", "a/b\n"])
def test_a_repository_that_is_none_is_refused(repository: str) -> None:
    with pytest.raises(UsageError, match="GITHUB_REPOSITORY"):
        place_in({"GITHUB_REPOSITORY": repository})


def test_an_address_that_is_none_is_refused() -> None:
    variables = {"GITHUB_REPOSITORY": "octo/shop", "GITHUB_API_URL": "file:///etc"}

    with pytest.raises(UsageError, match="GITHUB_API_URL"):
        place_in(variables)


def test_writes_keep_a_distance(connected: Connected) -> None:
    patient = connected(replace(AT_ONCE, between_writes=0.2))
    first = patient.create_comment(PULL, "One.")

    start = time.monotonic()
    patient.edit_comment(first, "Two.")

    assert time.monotonic() - start > 0.15


def test_pygithub_is_loaded_where_something_is_sent() -> None:
    code = (
        "import sys, benchgate.github.sticky, benchgate.github.artifact;"
        "print('github' in sys.modules, 'requests' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert said.stdout == "False False\n"
