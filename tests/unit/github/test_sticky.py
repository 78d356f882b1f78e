from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchgate.errors import PublishError, UsageError
from benchgate.github import sticky
from benchgate.github.api import Client
from benchgate.github.sticky import Done, Mode, Published, State
from benchgate.model import Outcome
from tests.github_server import Fake, Fault
from tests.unit.github.conftest import HEAD, PULL

BOT = "github-actions[bot]"
MARKER = "<!-- benchgate:v1:default -->"
STATE = State(
    workflow=5,
    run_number=12,
    attempt=1,
    head=HEAD,
    outcome=Outcome.PASSED,
    accepted=(),
)


def publish(
    client: Client, body: str = "All is well.", state: State = STATE, **changes: Any
) -> Published:
    options = {"key": "default", "author": BOT, "mode": Mode.ALWAYS} | changes
    return sticky.publish(client, PULL, body, state=state, **options)


def written(body: str = "All is well.", state: State = STATE) -> str:
    return f"{MARKER}\n{sticky.encode_state(state)}\n{body}"


def bodies(github: Fake) -> list[str]:
    return [comment.body for comment in github.state.comments]


def test_the_first_report_becomes_a_comment(client: Client, github: Fake) -> None:
    published = publish(client)

    assert published == Published(
        "https://github.com/octo/shop/pull/7#issuecomment-101", Done.CREATED
    )
    assert bodies(github) == [written()]


def test_a_second_report_edits_the_comment_in_place(
    client: Client, github: Fake
) -> None:
    publish(client)
    newer = replace(STATE, run_number=13)

    published = publish(client, "Still well.", newer)

    assert published.done is Done.UPDATED
    assert bodies(github) == [written("Still well.", newer)]


def test_the_same_report_again_writes_nothing(client: Client, github: Fake) -> None:
    publish(client)
    github.exchanges.clear()

    assert publish(client).done is Done.UNCHANGED
    assert github.writes == []


def test_a_comment_edited_on_the_page_has_other_line_ends_and_is_ours(
    client: Client, github: Fake
) -> None:
    github.add_comment(PULL, written().replace("\n", "\r\n"))

    assert publish(client).done is Done.UNCHANGED


def test_a_comment_on_the_third_page_is_found(client: Client, github: Fake) -> None:
    for number in range(250):
        github.add_comment(PULL, f"chatter {number}", author="ada")
    github.add_comment(PULL, written("Before."))

    assert publish(client).done is Done.UPDATED
    assert len(github.state.comments) == 251


def test_a_planted_marker_by_another_author_is_not_touched(
    client: Client, github: Fake
) -> None:
    planted = written("Merge me!", replace(STATE, run_number=999))
    github.add_comment(PULL, planted, author="mallory")

    assert publish(client).done is Done.CREATED
    assert bodies(github) == [planted, written()]


def test_a_comment_of_somebody_who_left_is_not_touched(
    client: Client, github: Fake
) -> None:
    github.add_comment(PULL, written("Before."))
    github.state.comments[0].author = None

    assert publish(client).done is Done.CREATED


def test_a_marker_further_down_is_a_quotation(client: Client, github: Fake) -> None:
    github.add_comment(PULL, f"> look\n{written('Before.')}")

    assert publish(client).done is Done.CREATED


def test_two_gates_of_a_repository_have_a_comment_each(
    client: Client, github: Fake
) -> None:
    publish(client)

    assert publish(client, key="load-tests").done is Done.CREATED
    assert len(github.state.comments) == 2


def test_the_author_is_compared_as_github_does(client: Client, github: Fake) -> None:
    github.state.author = "Perf-Bot[bot]"
    publish(client, author="perf-bot[bot]")

    assert publish(client, author="perf-bot[bot]").done is Done.UNCHANGED


def test_an_older_run_never_writes_over_a_newer_one(
    client: Client, github: Fake
) -> None:
    newer = replace(STATE, run_number=13)
    publish(client, "Newer.", newer)

    published = publish(client, "Older.")

    assert published.done is Done.STOOD_DOWN
    assert published.url
    assert bodies(github) == [written("Newer.", newer)]


def test_an_earlier_attempt_never_writes_over_a_later_one(
    client: Client, github: Fake
) -> None:
    publish(client, "Newer.", replace(STATE, attempt=2))

    assert publish(client, "Older.").done is Done.STOOD_DOWN


@pytest.mark.parametrize("other", [{"head": "c" * 40}, {"workflow": 6}])
def test_numbers_of_another_head_or_workflow_don_t_count(
    client: Client, other: dict[str, Any], github: Fake
) -> None:
    github.add_comment(PULL, written("B", replace(STATE, run_number=99, **other)))

    assert publish(client).done is Done.UPDATED


def test_a_moved_head_stands_down(client: Client, github: Fake) -> None:
    github.state.pulls[0].head_sha = "c" * 40

    assert publish(client) == Published("", Done.STOOD_DOWN)
    assert github.writes == []


def test_a_head_that_moves_after_the_listing_stands_down(
    client: Client, github: Fake
) -> None:
    def move(request: str) -> None:
        if request.endswith("/comments"):
            github.state.pulls[0].head_sha = "c" * 40

    github.before = move

    assert publish(client).done is Done.STOOD_DOWN
    assert github.writes == []


def test_a_closed_pull_request_stands_down(client: Client, github: Fake) -> None:
    github.state.pulls[0].state = "closed"

    assert publish(client).done is Done.STOOD_DOWN


def test_passed_to_regressed_is_told_in_a_new_comment(
    client: Client, github: Fake
) -> None:
    publish(client)
    bad = replace(STATE, run_number=13, outcome=Outcome.REGRESSED)

    published = publish(client, "Slower.", bad)

    old, new = github.state.comments
    assert published.done is Done.CREATED
    assert published.url.endswith(f"-{new.id}")
    assert (old.minimised, new.minimised) == ("OUTDATED", "")
    assert not old.body.startswith(MARKER)
    assert new.body == written("Slower.", bad)


def test_the_outdated_comment_stays_when_the_next_report_comes(
    client: Client, github: Fake
) -> None:
    publish(client)
    bad = replace(STATE, run_number=13, outcome=Outcome.REGRESSED)
    publish(client, "Slower.", bad)
    good = replace(STATE, run_number=14)

    assert publish(client, "Well again.", good).done is Done.UPDATED
    assert bodies(github)[1:] == [written("Well again.", good)]


@pytest.mark.parametrize("before", [Outcome.REGRESSED, Outcome.UNDECIDED])
def test_bad_news_after_bad_news_is_an_edit(
    client: Client, before: Outcome, github: Fake
) -> None:
    publish(client, "Bad.", replace(STATE, outcome=before))
    bad = replace(STATE, run_number=13, outcome=Outcome.REGRESSED)

    assert publish(client, "Slower.", bad).done is Done.UPDATED
    assert len(github.state.comments) == 1


def test_an_old_comment_that_can_t_be_folded_away_is_edited(
    client: Client, github: Fake
) -> None:
    publish(client)
    github.faults.append(Fault("POST /graphql", status=403, message="Forbidden"))
    bad = replace(STATE, run_number=13, outcome=Outcome.REGRESSED)

    assert publish(client, "Slower.", bad).done is Done.UPDATED
    assert bodies(github) == [written("Slower.", bad)]


def test_two_jobs_that_create_at_once_leave_the_oldest(
    client: Client, github: Fake
) -> None:
    def other_job(request: str) -> None:
        if request.startswith("POST"):
            github.add_comment(PULL, written("Of the other job."))

    github.before = other_job

    published = publish(client)

    assert bodies(github) == [written("Of the other job.")]
    assert published.url.endswith("-101")


def test_the_older_of_two_jobs_that_create_at_once_does_not_have_the_last_word(
    client: Client, github: Fake
) -> None:
    def other_job(request: str) -> None:
        if request.startswith("POST"):
            github.add_comment(PULL, written("Older."))

    github.before = other_job
    newer = replace(STATE, attempt=2)

    publish(client, "Newer.", newer)

    assert bodies(github) == [written("Newer.", newer)]


def test_a_duplicate_that_another_job_deletes_is_no_problem(
    client: Client, github: Fake
) -> None:
    def other_job(request: str) -> None:
        if request.startswith("POST"):
            github.add_comment(PULL, written("Of the other job."))
        if request.startswith("DELETE"):
            del github.state.comments[1:]

    github.before = other_job

    assert publish(client).done is Done.CREATED
    assert bodies(github) == [written("Of the other job.")]


def test_a_duplicate_that_may_not_be_deleted_is_a_problem(
    client: Client, github: Fake
) -> None:
    github.add_comment(PULL, written("One."))
    github.add_comment(PULL, written("Two."))
    github.faults.append(Fault("DELETE", status=403, message="Forbidden"))

    with pytest.raises(PublishError, match="403"):
        publish(client)


@pytest.mark.parametrize(
    ("labels", "before", "accepted"),
    [
        ((), (), ()),
        (("perf-ok",), (), (HEAD,)),
        (("perf-ok",), (HEAD,), (HEAD,)),
        (("perf-ok",), ("c" * 40,), ("c" * 40,)),
        ((), ("c" * 40,), ()),
    ],
)
def test_a_label_accepts_the_head_at_which_it_was_seen_first(
    labels: tuple[str, ...], before: tuple[str, ...], accepted: tuple[str, ...]
) -> None:
    found = sticky.accepting(labels, "perf-ok", head=HEAD, before=before)

    assert found == accepted


def test_without_a_label_to_look_for_none_accepts() -> None:
    assert sticky.accepting(("",), "", head=HEAD, before=(HEAD,)) == ()


def test_duplicates_from_before_are_deleted(client: Client, github: Fake) -> None:
    github.add_comment(PULL, written("One."))
    github.add_comment(PULL, "Look at that.", author="ada")
    github.add_comment(PULL, written("Two."))

    assert publish(client).done is Done.UPDATED
    assert bodies(github) == [written(), "Look at that."]


def test_a_502_after_the_commit_makes_no_second_comment(
    client: Client, github: Fake
) -> None:
    github.faults.append(Fault("POST", status=502, times=1, carried_out=True))

    assert publish(client).done is Done.CREATED
    assert bodies(github) == [written()]


def test_a_502_before_the_commit_is_tried_once_more(
    client: Client, github: Fake
) -> None:
    github.faults.append(Fault("POST", status=502, times=1))

    assert publish(client).done is Done.CREATED
    assert bodies(github) == [written()]


def test_a_listing_that_lags_behind_makes_no_second_comment(
    client: Client, github: Fake
) -> None:
    behind = Fault("GET .*/comments", status=200, text="[]", times=2)
    github.faults.append(behind)

    assert publish(client).url.endswith("-101")
    assert bodies(github) == [written()]


def test_a_comment_of_the_same_second_is_seen_after_a_502(
    client: Client, github: Fake
) -> None:
    chatter = github.add_comment(PULL, "Hello.", author="ada")
    github.now = lambda: chatter.updated_at  # type: ignore[method-assign]
    github.faults.append(Fault("POST", status=502, times=1, carried_out=True))

    publish(client)

    assert bodies(github) == ["Hello.", written()]


def test_a_second_502_is_a_problem(client: Client, github: Fake) -> None:
    github.faults.append(Fault("POST", status=502))

    with pytest.raises(PublishError, match="502"):
        publish(client)


def test_a_comment_that_is_of_another_account_says_so(
    client: Client, github: Fake
) -> None:
    github.state.author = "octo-app[bot]"

    with pytest.raises(PublishError, match="is not `github-actions"):
        publish(client)


def test_problems_keeps_quiet_about_a_pass(client: Client, github: Fake) -> None:
    published = publish(client, mode=Mode.PROBLEMS)

    assert published == Published("", Done.KEPT_QUIET)
    assert github.writes == []


def test_problems_tells_of_a_regression(client: Client) -> None:
    bad = replace(STATE, outcome=Outcome.REGRESSED)

    assert publish(client, state=bad, mode=Mode.PROBLEMS).done is Done.CREATED


def test_problems_stops_accusing_what_has_been_mended(
    client: Client, github: Fake
) -> None:
    publish(client, "Slower.", replace(STATE, outcome=Outcome.REGRESSED))
    mended = replace(STATE, run_number=13)

    published = publish(client, state=mended, mode=Mode.PROBLEMS)

    assert published.done is Done.UPDATED
    assert bodies(github) == [written(state=mended)]


def test_never_asks_nothing_of_github(client: Client, github: Fake) -> None:
    assert publish(client, mode=Mode.NEVER) == Published("", Done.KEPT_QUIET)
    assert github.calls == []


def test_a_comment_that_is_too_long_is_not_sent(client: Client, github: Fake) -> None:
    with pytest.raises(PublishError, match="more than GitHub takes"):
        publish(client, "x" * sticky.MOST_CHARACTERS)

    assert github.calls == []


def test_the_longest_comment_is_taken(client: Client) -> None:
    room = sticky.MOST_CHARACTERS - len(written(""))

    assert publish(client, "é" * room).done is Done.CREATED


def test_what_was_looked_up_before_is_not_asked_again(
    client: Client, github: Fake
) -> None:
    standing = sticky.look(client, PULL, key="default", author=BOT)
    github.exchanges.clear()

    publish(client, standing=standing)

    assert [call.partition(" ")[0] for call in github.calls] == ["GET", "POST", "GET"]


def test_a_newer_run_that_spoke_while_this_was_judged_is_not_written_over(
    client: Client, github: Fake
) -> None:
    publish(client)
    standing = sticky.look(client, PULL, key="default", author=BOT)
    newer = replace(STATE, run_number=14)
    publish(client, "Newer.", newer)

    published = publish(
        client, "Older.", replace(STATE, run_number=13), standing=standing
    )

    assert published.done is Done.STOOD_DOWN
    assert bodies(github) == [written("Newer.", newer)]


def test_a_comment_that_was_deleted_while_this_was_judged_is_written_anew(
    client: Client, github: Fake
) -> None:
    publish(client)
    standing = sticky.look(client, PULL, key="default", author=BOT)
    github.state.comments.clear()

    assert publish(client, standing=standing).done is Done.CREATED
    assert bodies(github) == [written()]


def test_a_comment_that_may_not_be_read_again_is_a_problem(
    client: Client, github: Fake
) -> None:
    publish(client)
    standing = sticky.look(client, PULL, key="default", author=BOT)
    github.faults.append(Fault("GET .*/issues/comments/", status=403))

    with pytest.raises(PublishError, match="403"):
        publish(client, standing=standing)


@pytest.mark.parametrize("key", ["", "a--b", "a>b", "-a", "a-", "a b", "x" * 65, "é"])
def test_a_key_that_could_end_the_marker_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="comment-key"):
        sticky.marker_of(key)


def test_a_state_survives_the_comment() -> None:
    state = replace(STATE, outcome=Outcome.UNDECIDED, accepted=(HEAD,))

    assert sticky.state_of(written(state=state)) == state


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain",
        "<!-- benchgate-state: -->",
        "<!-- benchgate-state:!!!! -->",
        "<!-- benchgate-state:YWJj -->",
        "<!-- benchgate-state:/w== -->",
        "<!-- benchgate-state:a -->",
        "<!-- benchgate-state:e30= -->",
        "<!-- benchgate-state:" + "W" * 2_000 + " -->",
        "<!-- benchgate-state:" + "W" * 200_000 + " -->",
        sticky.encode_state(STATE) + " -->",
    ],
)
def test_a_hostile_state_is_no_state(line: str) -> None:
    assert sticky.state_of(f"{MARKER}\n{line}\nbody") is None


def test_the_fullest_state_fits_its_room() -> None:
    full = State(
        workflow=2**63,
        run_number=2**63,
        attempt=2**63,
        head="f" * 64,
        outcome=Outcome.UNDECIDED,
        accepted=("f" * 64,) * 10,
    )
    longer = replace(full, accepted=("e" * 64, *full.accepted))
    header = f"{sticky.marker_of('k' * 64)}\n{sticky.encode_state(longer)}\n"

    assert len(header) <= sticky.MOST_HEADER
    assert sticky.state_of(header) == full
