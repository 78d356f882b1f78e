"""A GitHub on this machine, with the pull request that the tests speak of."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from benchgate.github.api import Client, Place, connect
from benchgate.github.patience import Patience
from tests.github_server import Fake, Pull, State, serving

HEAD = "b" * 40
PULL = 7
# Nothing is waited for that a test doesn't ask for.
AT_ONCE = Patience(
    answer=2.0, download=2.0, limit=5.0, between_writes=0.0, tries=3, between_tries=0.0
)
Connected = Callable[..., Client]


@pytest.fixture
def github() -> Iterator[Fake]:
    with serving(State(pulls=[Pull(PULL, HEAD)])) as fake:
        yield fake


@pytest.fixture
def connected(github: Fake) -> Iterator[Connected]:
    """Return what connects to the fake, as patient as it is told to be."""
    clients: list[Client] = []

    def connected_to(patience: Patience = AT_ONCE, token: str = "the-token") -> Client:  # noqa: S107
        place = Place(github.api, "https://github.com", github.state.repository)
        clients.append(connect(place, token, patience=patience))
        return clients[-1]

    yield connected_to
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(connected: Connected) -> Client:
    return connected()
