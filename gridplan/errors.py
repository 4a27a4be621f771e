"""Faults as bilingual sentences, and the errors that carry them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeVar

_Found = TypeVar("_Found")
Language = Literal["zh", "en"]

_SHOWN = 5
_WHOLE_FROM, _SMALL = 100.0, 0.1


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for the planner: what was found, what was expected, what to do next."""

    en: str
    zh: str

    def in_language(self, lang: Language) -> str:
        """Return the sentence in Chinese (``"zh"``) or English (``"en"``)."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Note:
    """
    Something a step had to do that the planner should know, and what it concerned.

    Nothing is dropped in silence: rows that could not be used, ways cut at the
    edge of a file, repaired polygons each leave a note.
    """

    code: str
    count: int
    message: Message
    ids: tuple[str, ...] = ()


class GridplanError(Exception):
    """
    Base of all errors that gridplan raises on purpose.

    Each carries one message per fault, so that all faults of one input are
    reported together.
    """

    exit_status: ClassVar[int] = 2

    def __init__(self, *faults: Message) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        """Return the faults in English, one per line."""
        return "\n".join(fault.en for fault in self.faults)

    def lines(self, lang: Language) -> list[str]:
        """Return one line per fault in the language asked for."""
        return [fault.in_language(lang) for fault in self.faults]


class SettingsError(GridplanError, ValueError):
    """A setting is missing, misspelt or out of range."""


class StoppedError(SettingsError):
    """
    The limits ended a search before it had any plan; whether there is one is not known.

    Attributes
    ----------
    reason : {"work", "time", "key"}
    bound : float
        No plan is better than this, in the unit of the search's objective; infinite where
        nothing is known.
    work : float
        Counted steps that the search took.
    """

    def __init__(
        self, *faults: Message, reason: Literal["work", "time", "key"], bound: float, work: float
    ) -> None:
        super().__init__(*faults)
        self.reason, self.bound, self.work = reason, bound, work


class InputError(GridplanError, ValueError):
    """A file, layer or table cannot be used as it is."""


class MissingInputError(InputError, FileNotFoundError):
    """A file that the settings name is not there."""


class CrsError(InputError):
    """Coordinates are in no projected metric system, or not in the one declared."""


class CostMatrixError(InputError):
    """A cost matrix, its weights or its labels do not fit together."""


class ContractError(InputError):
    """A stored plan was written under a contract this version cannot read."""


class OutputError(GridplanError, OSError):
    """The run's folder cannot be written where the planner asked."""


class MissingPackageError(GridplanError, ImportError):
    """An optional package is needed for what was asked."""


class InfeasibleError(GridplanError, RuntimeError):
    """The hard rules cannot be met; the message names the smallest relaxation."""

    exit_status: ClassVar[int] = 3


class BrokenPlanError(GridplanError, RuntimeError):
    """A plan of gridplan's own failed the independent check, and is not given out: a bug."""

    exit_status: ClassVar[int] = 1


@dataclass(slots=True)
class FaultList:
    """Collects the faults of one input, to raise them together."""

    faults: list[Message] = field(default_factory=list)
    unmet: int = 0
    """How many of them say that hard rules cannot be met, though the input is sound."""

    def heed(self, check: Callable[[], _Found]) -> _Found | None:
        """
        Return what a check gives; None where it refuses, its faults being collected.

        Examples
        --------
        >>> faults = FaultList()
        >>> faults.heed(lambda: 2)
        2
        """
        try:
            return check()
        except GridplanError as error:
            self.extend(error.faults)
            self.unmet += len(error.faults) * isinstance(error, InfeasibleError)
            return None

    def add(self, *, en: str, zh: str) -> None:
        """Add one fault."""
        self.faults.append(Message(en=en, zh=zh))

    def cannot(self, *, en: str, zh: str) -> None:
        """Add one fault of rules that cannot be met, though each by itself is sound."""
        self.add(en=en, zh=zh)
        self.unmet += 1

    def extend(self, faults: Iterable[Message]) -> None:
        """Add the faults of another check."""
        self.faults.extend(faults)

    def raise_if_any(self, error: type[GridplanError] = InputError) -> None:
        """
        Raise `error` with all faults, if there is one.

        Where all of them say that hard rules cannot be met, `InfeasibleError` is raised.
        """
        if self.faults:
            raised = InfeasibleError if self.unmet == len(self.faults) else error
            raise raised(*dict.fromkeys(self.faults))


def first_ids(ids: Collection[object]) -> str:
    """
    Return the first ids of a collection as text, for a message.

    Examples
    --------
    >>> first_ids(["a", "b"])
    'a, b'
    >>> first_ids(list("abcdefg"))
    'a, b, c, d, e …'
    """
    shown = ", ".join(str(one) for one in list(ids)[:_SHOWN])
    return f"{shown} …" if len(ids) > _SHOWN else shown


def ids_zh(ids: Collection[object]) -> str:
    """
    Return the first ids of a collection as a Chinese sentence lists them.

    Examples
    --------
    >>> ids_zh(["a", "b"]), ids_zh(list("abcdefg"))
    ('a、b', 'a、b、c、d、e……')
    """
    shown = "、".join(str(one) for one in list(ids)[:_SHOWN])
    return f"{shown}……" if len(ids) > _SHOWN else shown


def both_ids(ids: Collection[object]) -> tuple[str, str]:
    """Return the first ids of a collection as an English, and as a Chinese, sentence lists them."""
    return first_ids(ids), ids_zh(ids)


def amount(value: float) -> str:
    """
    Return a load, or a bound of loads, as it is printed everywhere.

    Examples
    --------
    >>> amount(1369.0), amount(411.12), amount(13.4328), amount(12.0), amount(0.00123)
    ('1,369', '411', '13.4', '12', '0.00123')
    """
    if 0 < abs(value) < _SMALL:
        return f"{value:.3g}"
    told = f"{value:,.{1 if abs(value) < _WHOLE_FROM else 0}f}"
    return told.removesuffix(".0")


def agreed(number: int, one: str, many: str) -> str:
    """
    Return the English word that agrees with a number, without the number.

    Examples
    --------
    >>> agreed(1, "is", "are"), agreed(0, "has", "have")
    ('is', 'have')
    """
    return one if number == 1 else many


def counted(number: int, one: str, many: str) -> str:
    """
    Return a number with its English noun.

    Examples
    --------
    >>> counted(1, "committee", "committees"), counted(1200, "street", "streets")
    ('1 committee', '1,200 streets')
    """
    return f"{number:,} {agreed(number, one, many)}"
