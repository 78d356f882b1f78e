"""The two ways in which a request to GitHub fails."""

from __future__ import annotations

from benchgate.errors import PublishError


class UnsureError(PublishError):
    """A request failed without telling whether it was carried out."""


class RefusedError(PublishError):
    """GitHub said no, and meant it: nothing was carried out."""

    def __init__(self, problem: str, *, status: int, said: str, hint: str) -> None:
        """Keep the HTTP *status* and what GitHub *said*, beside the sentence."""
        super().__init__(problem, hint=hint)
        self.status = status
        self.said = said
