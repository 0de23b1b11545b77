"""What a check says: it passes by returning, and fails or is skipped by raising."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from anychannel.conformance._subject import Subject


class Verdict(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one check found."""

    name: str
    promise: str
    """What every provider promises here, in a sentence."""
    verdict: Verdict
    reason: str = ""
    """Why it failed or was skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise of the contract, and how it is looked at."""

    name: str
    promise: str
    run: Callable[[Subject], Awaitable[None]]

    @classmethod
    def of(cls, run: Callable[[Subject], Awaitable[None]]) -> Self:
        """The check that a function is: its name, and its docstring as the promise."""
        return cls(name=getattr(run, "__name__", ""), promise=(run.__doc__ or "").strip(), run=run)
