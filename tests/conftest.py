"""What holds for every test: no tool that isn't there, no CI around us, no network."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

REQUIRED = "BENCHGATE_REQUIRE_TOOLS"

# At a desk each run of a law tries other examples; in CI the same change has to end the
# same way twice.
settings.register_profile("same-examples", derandomize=True, database=None)
if os.environ.get(REQUIRED) == "1":
    settings.load_profile("same-examples")
TOOLS = ("cargo-criterion", "k6")
_OF_THE_CALLER = re.compile(
    r"(?:GITHUB_|RUNNER_|K6_).*|CI|NO_COLOR|FORCE_COLOR|CARGO_TARGET_DIR"
)
_LOCAL = {"127.0.0.1", "::1", "localhost"}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tools are missing, or fail it where they must be there.

    ``@pytest.mark.tools`` needs them all, ``@pytest.mark.tools("k6")`` those named.
    """
    wanted = [
        name for mark in item.iter_markers("tools") for name in (mark.args or TOOLS)
    ]
    missing = sorted({name for name in wanted if shutil.which(name) is None})
    if not missing:
        return
    what = f"{' and '.join(missing)} not found: run `make tools`"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{what} ({REQUIRED} is set)", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take away what a CI or a user has set; caches go to a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if _OF_THE_CALLER.fullmatch(n)]:
            patch.delenv(name)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def local_sockets_only() -> Iterator[None]:
    """Refuse connections to other machines: a test must pass without a network."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family != socket.AF_UNIX and address[0] not in _LOCAL:
            raise AssertionError(f"a test may not connect to {address[0]}")

    def guarded(sock: socket.socket, address: Any) -> None:
        check(sock, address)
        connect(sock, address)

    def guarded_ex(sock: socket.socket, address: Any) -> int:
        check(sock, address)
        return connect_ex(sock, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        yield
