"""One family of errors. Each names the rule that was broken and, where there is one, the field.

`status` and `code` are what the API answers (RFC 9457): one exception handler maps the whole family.
Commands print the message alone, so a message is one sentence that a person can act on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Value = TypeVar("Value")


class EnergyOptiError(Exception):
    """Base of the family: `code` names the rule in kebab-case, `field` the input that broke it."""

    code = "error"
    status = 500

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class InvalidInput(EnergyOptiError):
    """What somebody asked for cannot be understood or is not allowed."""

    code = "invalid-input"
    status = 400


class Several(InvalidInput):
    """More than one thing is wrong with what somebody asked for: all are told at once."""

    def __init__(self, faults: Sequence[EnergyOptiError]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = tuple(faults)


class Faults:
    """What was found wrong so far, so that all of it is told at once."""

    def __init__(self) -> None:
        self.found: list[EnergyOptiError] = []

    def add(self, detail: str, field: str) -> None:
        self.found.append(InvalidInput(detail, field=field))

    def of(self, read: Callable[[], Value]) -> Value | None:
        """What `read` gives; None where it found a fault."""
        try:
            return read()
        except Several as faults:
            self.found.extend(faults.faults)
        except EnergyOptiError as fault:
            self.found.append(fault)
        return None

    def tell(self) -> None:
        """Raises the one fault, or Several."""
        if self.found:
            raise self.found[0] if len(self.found) == 1 else Several(self.found)


class NaiveTime(InvalidInput):
    """A time without an offset: nobody can say which instant is meant."""

    code = "naive-time"


class ReversedSpan(InvalidInput):
    """A span whose end is not after its start."""

    code = "reversed-span"


class UnknownFeed(InvalidInput):
    """No app declares a feed of this name."""

    code = "unknown-feed"
    status = 404


class NotConfigured(EnergyOptiError):
    """A setting is missing or contradicts another one; the sentence says which."""

    code = "not-configured"
    status = 503


class UpstreamError(EnergyOptiError):
    """The upstream did not give what it was asked for."""

    code = "upstream-error"
    status = 502


class UpstreamRefused(UpstreamError):
    """The upstream answered, and the answer is a refusal (4xx, or error text inside a 200)."""

    code = "upstream-refused"


class UpstreamUnreachable(UpstreamError):
    """No whole answer came: no connection, a time-out, a cut body, 429 or 5xx to the last retry."""

    code = "upstream-unreachable"


class MalformedAnswer(UpstreamError):
    """An answer came whole but is not the format that its feed declares."""

    code = "malformed-answer"


class StructureChanged(MalformedAnswer):
    """A column is missing, unknown or renamed: the window fails, nothing is guessed."""

    code = "structure-changed"


class SnapshotMismatch(UpstreamError):
    """The pages of one pull disagree: other totalRows, a wrong sum, or a key that comes twice."""

    code = "snapshot-mismatch"


class ArchiveDamaged(EnergyOptiError):
    """An archived answer is missing or does not match its checksum."""

    code = "archive-damaged"
