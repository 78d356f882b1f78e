"""How long GitHub is waited for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long GitHub is waited for, and how often it is asked; times in seconds.

    ``answer`` is the longest silence, ``download`` the longest a whole artifact may
    take, ``limit`` the longest wait that GitHub itself may ask for.
    A request is sent ``tries`` times at most, in growing steps of ``between_tries``.
    """

    answer: float = 20.0
    download: float = 120.0
    limit: float = 120.0
    # GitHub asks for this pause between requests that create content.
    between_writes: float = 1.0
    tries: int = 4
    between_tries: float = 1.0
