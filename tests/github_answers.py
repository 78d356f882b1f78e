"""What GitHub answers, with every key that its description requires.

The contract test holds each of these against that description.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Answer = dict[str, Any]

WHEN = "2026-03-04T05:06:07Z"
# Of a longer text GraphQL gives the beginning.
MOST_OF_A_TEXT = 512_000
_HOST = "https://api.github.com"
# Keys of a repository that are addresses, or templates of such.
_ADDRESSES = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
]
_OF_A_USER = [
    "events",
    "followers",
    "following",
    "gists",
    "organizations",
    "received_events",
    "repos",
    "starred",
    "subscriptions",
]


def user(login: str) -> Answer:
    """Return an account."""
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {
        "login": login,
        "id": 41898282,
        "node_id": "U_1",
        "avatar_url": f"{_HOST}/avatar",
        "gravatar_id": "",
        "url": f"{_HOST}/users/1",
        "html_url": f"{_HOST}/1",
        "type": kind,
        "site_admin": False,
        **{f"{name}_url": f"{_HOST}/users/1/{name}" for name in _OF_A_USER},
    }


def repository(full_name: str, number: int, *, fork: bool = False) -> Answer:
    """Return a repository with the id *number*."""
    owner, _, name = full_name.partition("/")
    url = f"{_HOST}/repos/{full_name}"
    return {
        "id": number,
        "node_id": "R_1",
        "name": name,
        "full_name": full_name,
        "owner": user(owner),
        "private": False,
        "fork": fork,
        "description": None,
        "url": url,
        "html_url": f"https://github.com/{full_name}",
        **{f"{part}_url": f"{url}/{part}" for part in _ADDRESSES},
        "clone_url": f"https://github.com/{full_name}.git",
        "svn_url": f"https://github.com/{full_name}",
        "git_url": f"git://github.com/{full_name}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "mirror_url": None,
        "homepage": None,
        "language": "Rust",
        "license": None,
        "default_branch": "main",
        "forks": 0,
        "forks_count": 0,
        "has_downloads": True,
        "has_issues": True,
        "has_projects": True,
        "has_wiki": True,
        "has_pages": False,
        "archived": False,
        "disabled": False,
        "open_issues": 0,
        "open_issues_count": 0,
        "size": 1,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "pushed_at": WHEN,
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def tip(sha: str, ref: str, of: Answer | None, owner: str) -> Answer:
    """Return one end of a pull request; *of* is None for a fork that is gone."""
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "repo": of,
        "user": user(owner),
    }


def label(name: str) -> Answer:
    """Return a label."""
    return {
        "id": 1,
        "node_id": "L_1",
        "url": f"{_HOST}/labels/1",
        "name": name,
        "description": "",
        "color": "ededed",
        "default": False,
    }


def pull(
    number: int, *, state: str, head: Answer, base: Answer, labels: Sequence[str]
) -> Answer:
    """Return a pull request as in a listing."""
    url = f"{_HOST}/repos/{base['repo']['full_name']}/pulls/{number}"
    addresses = (
        "comments commits diff html issue patch review_comment review_comments statuses"
    )
    links = [
        "comments",
        "commits",
        "statuses",
        "html",
        "issue",
        "review_comments",
        "review_comment",
        "self",
    ]
    return {
        "id": number,
        "node_id": f"PR_{number}",
        "number": number,
        "state": state,
        "locked": False,
        "title": "A change",
        "body": None,
        "user": head["user"],
        "labels": [label(name) for name in labels],
        "milestone": None,
        "assignee": None,
        "auto_merge": None,
        "author_association": "CONTRIBUTOR",
        "created_at": WHEN,
        "updated_at": WHEN,
        "closed_at": None if state == "open" else WHEN,
        "merged_at": None,
        "merge_commit_sha": "9" * 40,
        "head": head,
        "base": base,
        "url": url,
        **{f"{name}_url": f"{url}/{name}" for name in addresses.split()},
        "_links": {name: {"href": f"{url}/{name}"} for name in links},
    }


def whole_pull(listed: Answer) -> Answer:
    """Return a pull request as it is answered alone."""
    return {
        **listed,
        "additions": 1,
        "deletions": 1,
        "changed_files": 1,
        "comments": 0,
        "commits": 1,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "mergeable": True,
        "mergeable_state": "clean",
        "merged": False,
        "merged_by": None,
    }


def comment(
    number: int, *, pull: int, author: str | None, body: str, updated_at: str
) -> Answer:
    """Return the comment with the id *number*; *author* is None for one who left."""
    return {
        "id": number,
        "node_id": f"IC_{number}",
        "url": f"{_HOST}/comments/{number}",
        "html_url": f"https://github.com/octo/shop/pull/{pull}#issuecomment-{number}",
        "issue_url": f"{_HOST}/issues/{pull}",
        "user": None if author is None else user(author),
        "body": body,
        "author_association": "NONE",
        "created_at": WHEN,
        "updated_at": updated_at,
    }


def artifact(
    number: int,
    *,
    name: str,
    size: int,
    expired: bool,
    created_at: str,
    run: int,
    head_sha: str,
) -> Answer:
    """Return the artifact with the id *number*."""
    url = f"{_HOST}/artifacts/{number}"
    return {
        "id": number,
        "node_id": f"A_{number}",
        "name": name,
        "size_in_bytes": size,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": expired,
        "created_at": created_at,
        "updated_at": created_at,
        "expires_at": created_at,
        "workflow_run": {
            "id": run,
            "repository_id": 1,
            "head_repository_id": 2,
            "head_branch": "faster",
            "head_sha": head_sha,
        },
    }


def commit(sha: str) -> Answer:
    """Return a commit as in a comparison."""
    url = f"{_HOST}/commits/{sha}"
    return {
        "sha": sha,
        "node_id": "C_1",
        "url": url,
        "html_url": url,
        "comments_url": f"{url}/comments",
        "commit": {
            "url": url,
            "author": None,
            "committer": None,
            "message": "A change",
            "comment_count": 0,
            "tree": {"sha": sha, "url": url},
        },
        "author": user("ada"),
        "committer": user("ada"),
        "parents": [],
    }


def git_commit(sha: str, parents: Sequence[str]) -> Answer:
    """Return a commit with its *parents*."""
    url = f"{_HOST}/git/commits/{sha}"
    who = {"name": "Ada", "email": "ada@example.com", "date": WHEN}
    return {
        "sha": sha,
        "node_id": "C_1",
        "url": url,
        "html_url": url,
        "author": who,
        "committer": who,
        "message": "A change",
        "tree": {"sha": sha, "url": url},
        "parents": [{"sha": p, "url": url, "html_url": url} for p in parents],
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def comparison(status: str, *, base: str, merge_base: str) -> Answer:
    """Return how a head lies to *base*."""
    url = f"{_HOST}/compare/1"
    return {
        "url": url,
        "html_url": url,
        "permalink_url": url,
        "diff_url": url,
        "patch_url": url,
        "base_commit": commit(base),
        "merge_base_commit": commit(merge_base),
        "status": status,
        "ahead_by": int(status == "ahead"),
        "behind_by": int(status == "behind"),
        "total_commits": 0,
        "commits": [],
        "files": [],
    }


def blob(content: bytes) -> Answer:
    """Return a file as GraphQL does; what isn't UTF-8 has no text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"__typename": "Blob", "text": None, "isBinary": True}
    return {
        "__typename": "Blob",
        "text": text[:MOST_OF_A_TEXT],
        "isBinary": False,
        "isTruncated": len(text) > MOST_OF_A_TEXT,
    }


def check_run(number: int, fields: Answer) -> Answer:
    """Return the check run with the id *number*, made from what was sent."""
    url = f"{_HOST}/check-runs/{number}"
    output = fields.get("output", {})
    return {
        "id": number,
        "node_id": f"CR_{number}",
        "head_sha": fields["head_sha"],
        "external_id": fields.get("external_id"),
        "name": fields["name"],
        "url": url,
        "html_url": url,
        "details_url": url,
        "status": fields["status"],
        "conclusion": fields["conclusion"],
        "started_at": WHEN,
        "completed_at": WHEN,
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": None,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": 1},
        "app": None,
        "pull_requests": [],
    }


def workflow_run(
    number: int, *, head_sha: str, head: Answer | None, here: Answer
) -> Answer:
    """Return the workflow run with the id *number*."""
    url = f"{_HOST}/actions/runs/{number}"
    addresses = [
        "jobs",
        "logs",
        "check_suite",
        "cancel",
        "rerun",
        "artifacts",
        "workflow",
    ]
    return {
        "id": number,
        "node_id": "WR_1",
        "name": "bench",
        "head_branch": "faster",
        "head_sha": head_sha,
        "run_number": 12,
        "run_attempt": 1,
        "display_title": "A change",
        "event": "pull_request",
        "status": "completed",
        "conclusion": "success",
        "path": ".github/workflows/bench.yml",
        "workflow_id": 5,
        "url": url,
        "html_url": f"https://github.com/octo/shop/actions/runs/{number}",
        "created_at": WHEN,
        "updated_at": WHEN,
        "head_commit": None,
        "head_repository": head,
        "repository": here,
        "pull_requests": [],
        **{f"{name}_url": f"{url}/{name}" for name in addresses},
    }


def error(message: str, **more: Any) -> Answer:
    """Return what comes with a status that says no."""
    return {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        **more,
    }
