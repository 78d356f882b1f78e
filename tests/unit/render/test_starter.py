"""Whatever a project calls its things, the YAML says that and nothing else."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchgate.render.starter import comment, pattern, scalar

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(texts)
def test_a_scalar_is_read_as_the_text_that_it_was(text: str) -> None:
    assert yaml.safe_load(f"key: {scalar(text)} # a comment") == {"key": text}


@pytest.mark.parametrize(
    "text", ["true", "No", "null", "12", "1.5", "~", "- a", "a: b", "a #b", "*a", "a:"]
)
def test_what_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert scalar(text)[0] == '"'
    assert yaml.safe_load(scalar(text)) == text


@pytest.mark.parametrize(
    "text", ["load/shop.js", "http://127.0.0.1:{port}/health", "a --port {port}"]
)
def test_what_is_plain_stays_plain(text: str) -> None:
    assert scalar(text) == text


@given(texts)
def test_a_branch_is_one_item_of_its_list(text: str) -> None:
    (branch,) = yaml.safe_load(f"[{pattern(text)}]")

    assert branch.replace("\\", "") == text.replace("\\", "")


@pytest.mark.parametrize(
    ("branch", "shown"),
    [("main", "main"), ("a+b", '"a\\\\+b"'), ("!x", '"\\\\!x"'), ("on", '"on"')],
)
def test_a_branch_matches_only_itself(branch: str, shown: str) -> None:
    assert pattern(branch) == shown


@given(st.text())
def test_a_comment_stays_on_its_line(text: str) -> None:
    assert yaml.safe_load(f"a: 1 # {comment(text)}") == {"a": 1}
