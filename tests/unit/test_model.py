"""What the nouns say of themselves."""

from __future__ import annotations

import pytest

from benchgate.judge import judge
from benchgate.model import Environment, Statistic
from tests.builders import comparison, control, effect, policy, sample


def test_a_sample_has_its_values_by_statistic() -> None:
    slice_ = sample(1.0, 2.0, 3.0, 4.0, 5.0)

    assert slice_.value(Statistic.MIN) == 1.0
    assert slice_.value(Statistic.MEAN) == 5.0


def test_a_statistic_that_a_sample_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        sample(1.0).value(Statistic.MIN)


def test_the_key_of_an_environment_holds_what_must_match() -> None:
    environment = Environment(
        arch="x86_64",
        cpu="EPYC",
        vcpus=4,
        os_image="ubuntu-24.04",
        kernel="6.8",
        libc="glibc 2.39",
        governor="performance",
        toolchain="rustc 1.90",
        runner="large",
        build="release",
        tools=(("k6", "1.8"),),
    )

    parts = "x86_64 | EPYC | 4 | ubuntu-24.04 | glibc 2.39 | rustc 1.90 | large"
    assert environment.key == parts


def test_what_is_not_known_of_an_environment_reads_unknown() -> None:
    assert set(Environment().key.split(" | ")) == {"unknown"}


def test_a_judgement_has_the_key_of_its_comparison() -> None:
    (judgement,) = judge(
        [comparison(effect(0.1), "parse")], policy=policy(), control=control()
    )

    assert judgement.key == judgement.comparison.key
