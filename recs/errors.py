"""What the ledger and its records refuse. Each rule is a class; the rules of the database are told by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import DataError
from django.db import Error as DatabaseError

from energyopti.errors import EnergyOptiError


class LedgerError(EnergyOptiError):
    """A command was refused: nothing has changed."""

    code = "ledger"
    status = 409
    rules: ClassVar[tuple[str, ...]] = ()  # names in the database: of recs_refuse, constraints and triggers
    words: ClassVar[str] = ""  # where the database's own sentence says too little
    at: ClassVar[str] = ""  # the field, where the database names none
    places: ClassVar[Mapping[str, str]] = {}  # the field by rule, where each has its own


class FloatInLedger(LedgerError):
    code, status = "float-in-ledger", 400


class BadQuantity(LedgerError):
    code, status, rules = "quantity", 400, ("quantity",)


class QuantityTooLarge(LedgerError):
    code, status, rules = "quantity-too-large", 400, ("quantity-too-large",)


class BadAmount(LedgerError):
    code, status, rules = "amount", 400, ("amount",)


class Malformed(LedgerError):
    """What was sent cannot be read: text where a number belongs, a list without what it should list."""

    code, status, rules = "malformed", 400, ("malformed",)


class BadCriteria(LedgerError):
    code, status, rules = "criteria", 400, ("criteria",)


class RangesOverlap(LedgerError):
    code, status, rules = "ranges-overlap", 400, ("ranges-overlap",)


class TooMany(LedgerError):
    code, status, rules = "too-many", 400, ("too-many",)


class TooLong(LedgerError):
    code, status, rules = "too-long", 400, ("too-long",)


class Unknown(LedgerError):
    """It does not exist, or it is not yours: which of the two is nobody's business."""

    code, status, rules = "unknown", 404, ("unknown", "entry_names_what_is_there", "command_names_what_is_there", "batch_of_own_generator")
    words = "there is nothing of this number that you may use"


class RoleTooSmall(LedgerError):
    code, status, rules = "role-too-small", 403, ("role-too-small",)


class SecondPersonNeeded(LedgerError):
    code, status, rules = "second-person", 403, ("second-person",)


class KeyNeeded(LedgerError):
    code, status, rules = "key-needed", 400, ("key-needed",)


class KeyReused(LedgerError):
    code, status, rules = "key-reused", 422, ("key-reused",)


class UnknownKind(LedgerError):
    code, status, rules = "unknown-kind", 400, ("unknown-kind",)


class AccountClosed(LedgerError):
    code, rules = "account-closed", ("account-closed", "entry_into_open_account")


class WrongAccount(LedgerError):
    code, status, rules = "wrong-account", 400, ("wrong-account", "entry_suits_account")


class WrongRegistry(LedgerError):
    code, status, rules, at = "wrong-registry", 400, ("wrong-registry", "entry_within_registry"), "to_account"


class SandboxWithReal(LedgerError):
    code, status, at = "sandbox-with-real", 400, "to_account"
    rules = (
        *("sandbox-with-real", "entry_within_sandbox", "account_follows_organisation", "generator_follows_organisation"),
        *("registration_follows_generator", "batch_follows_generator"),
    )


class TransferToItself(LedgerError):
    code, status, rules, at = "transfer-to-itself", 400, ("transfer-to-itself", "command_not_to_itself"), "to_account"


class Overdrawn(LedgerError):
    code, rules = "overdrawn", ("overdrawn",)


class RangeRetired(LedgerError):
    code, rules = "range-retired", ("range-retired", "retired_never_moves", "retired_never_leaves")


class RangeExported(LedgerError):
    code, rules = "range-exported", ("range-exported",)


class RangeHeld(LedgerError):
    code, rules = "range-held", ("range-held",)


class RangeNotOwned(LedgerError):
    code, rules = "range-not-owned", ("range-not-owned",)


class RangesNeeded(LedgerError):
    code, status, rules = "ranges-needed", 400, ("ranges-needed",)


class RegistryNeeded(LedgerError):
    code, status, rules = "registry-needed", 400, ("registry-needed",)


class PurposeNeeded(LedgerError):
    code, status, rules = "purpose-needed", 400, ("retirement_for_somebody",)
    words, at = "say for whom the certificates are retired", "beneficiary"


class ReasonNeeded(LedgerError):
    code, status, rules = "reason-needed", 400, ("retirement_has_reason",)
    words, at = "say why the certificates are retired", "reason"


class ComplianceYearNeeded(LedgerError):
    code, status, rules = "compliance-year-needed", 400, ("compliance-year-needed", "retirement_programme_has_year")
    words, at = "a retirement for a programme names its compliance year", "compliance_year"


class PriceWithoutCounterparty(LedgerError):
    code, status, rules = "price-without-counterparty", 400, ("price-without-counterparty",)


class CreditExceeded(LedgerError):
    code, rules, at = "credit-exceeded", ("cash_within_credit_limit",), "price_usd"
    words = "the buyer would owe more than the seller's credit limit allows"


class WrongStage(LedgerError):
    code, rules = "wrong-stage", ("wrong-stage",)


class AnsweredTooLate(LedgerError):
    code, rules = "answered-too-late", ("answered-too-late",)


class AlreadyResolved(LedgerError):
    code, rules = "already-resolved", ("already-resolved", "command_resolved_once")
    words = "this command awaits nothing any more"


class ConfirmationNeeded(LedgerError):
    code, status, rules = "confirmation-needed", 400, ("command_confirmed_with_number",)
    words, at = "enter the registry's confirmation number and its date", "reference"


class NotReversible(LedgerError):
    code, rules = "not-reversible", ("not-reversible", "command_reversed_once")
    words = "this command cannot be reversed"


class MovedOn(LedgerError):
    code, rules = "moved-on", ("moved-on", "held-incomplete")


class AlreadyIssued(LedgerError):
    code, rules, at = "already-issued", ("issued_once",), "ranges"
    words = "certificates of this batch were issued already"


class BatchVoid(LedgerError):
    code, rules = "batch-void", ("entry_of_a_valid_batch",)


class BatchInUse(LedgerError):
    code, rules = "batch-in-use", ("batch_voided_when_gone",)
    words = "certificates of this batch are with somebody, or were"


class OutsideBatch(LedgerError):
    code, status, rules, at = "outside-batch", 400, ("outside-batch", "entry_within_batch"), "ranges"
    words = "the serial numbers are not all in this batch"


class ImportOfAnExport(LedgerError):
    code, status, rules = "import-of-an-export", 400, ("import-of-an-export",)


class BeyondExport(LedgerError):
    code, rules, at = "beyond-export", ("batch_within_export",), "export"


class SerialsTaken(LedgerError):
    code, rules, at = "serials-taken", ("batch_serials_once",), "serial_start"
    words = "serial numbers of this base are in another batch already"


class BaseNotPlain(LedgerError):
    code, status, rules, at = "base-not-plain", 400, ("batch_base_plain",), "serial_base"
    words = "a serial base is letters, digits and signs of ASCII, with single blanks between"


class UnitNotPlain(LedgerError):
    code, status, rules, at = "unit-not-plain", 400, ("registration_unit_plain",), "registrations"
    words = "a unit's name is letters, digits and signs of ASCII, with single blanks between"


class IssuedElsewhere(LedgerError):
    code, rules, at = "issued-elsewhere", ("batch_month_in_one_registry",), "vintage"
    words = "this generator's month is issued in another registry: export and import the certificates"


class MeteredTwice(LedgerError):
    code, rules, at = "metered-twice", ("generation_read_once",), "days"
    words = "generation of these days is recorded already"


class BacksAnother(LedgerError):
    code, status, rules, at = "backs-another", 400, ("read_backs_its_batch",), "batch_id"


class VintageInFuture(LedgerError):
    code, status, rules = "vintage-in-future", 400, ("batch_vintage_is_past",)


class UnknownRegistry(LedgerError):
    code, status, rules, at = "unknown-registry", 400, ("unknown-registry", "batch_in_a_registry"), "registry"


class StaysWhatItIs(LedgerError):
    code = "stays-what-it-is"
    rules = (
        *("account_stays_what_it_is", "account_stays_closed", "batch_stays_what_it_is", "batch_varies_its_like"),
        *("organisation_stays_in_its_world", "read_stays_what_it_is"),
    )


class NotEmpty(LedgerError):
    code, rules, at = "not-empty", ("account_closed_when_empty",), "closed"


class NameTaken(LedgerError):
    code = "name-taken"
    places = {
        "account_name_once": "name",
        "account_mirrored_once": "registry_account",
        "generator_name_once": "name",
        "registration_unit_once": "registrations",
        "eligibility_once_at_a_time": "eligibilities",
    }
    rules = tuple(places)
    words = "there is one like it already"


class SameKeyAtOnce(LedgerError):
    """Somebody else's command with this key was first, by a moment: it is there now, and asking again gives its answer."""

    code, status, rules = "busy", 503, ("command_key_once",)


class Busy(LedgerError):
    """Others work on the same certificates: nothing has changed; send the same command with the same key again."""

    code, status = "busy", 503


_RULES = {rule: kind for kind in LedgerError.__subclasses__() for rule in kind.rules}
_BUSY = {"55P03", "40001", "40P01"}  # lock_not_available, serialization_failure, deadlock_detected
# What only a type refuses: numeric_value_out_of_range, string_data_right_truncation; all else of class 22 is junk
_UNFIT: dict[str, tuple[type[LedgerError], str]] = {
    "22003": (QuantityTooLarge, "a number is too large"),
    "22001": (TooLong, "a text is too long"),
}


def refusal(problem: DatabaseError) -> LedgerError | None:
    """The rule that a database error is about; None for an error that is no rule of ours."""
    told: Any = getattr(problem.__cause__, "diag", None)
    if told is None:
        return None
    if told.sqlstate in _BUSY:
        return Busy("others are working on these certificates at this moment; send the same request again")
    rule = told.constraint_name or ""
    kind = _RULES.get(rule)
    if kind is None:
        return _unfit(told.sqlstate) if isinstance(problem, DataError) else None
    own_words = str(told.sqlstate).startswith("EO") or not kind.words
    return kind(told.message_primary if own_words else kind.words, field=told.column_name or kind.places.get(rule) or kind.at or None)


def _unfit(state: str | None) -> LedgerError:
    kind, sentence = _UNFIT.get(state or "", (Malformed, "what was sent cannot be read"))
    return kind(sentence)


@contextmanager
def rules_told() -> Iterator[None]:
    """Errors of the database that are rules of ours leave as such. Put it outside of the transaction: some are found at COMMIT."""
    try:
        yield
    except DatabaseError as problem:
        if told := refusal(problem):
            raise told from problem
        raise
