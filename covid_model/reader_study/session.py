"""The answers of one reader, kept line by line so that a closed page loses none."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from covid_model.errors import DataError
from covid_model.files import written_whole
from covid_model.reader_study.design import CONSENT, StudyImage, Trial, plan

READER_CODE: Final = 6
"""Hexadecimal digits of a reader's code."""


@dataclass(frozen=True)
class Settings:
    """What all trials of a session share, enough to plan them again."""

    reader: str
    model: str
    methods: tuple[str, ...]
    count: int
    images: tuple[StudyImage, ...]


@dataclass(frozen=True)
class Reading:
    """Both answers of one trial. region: zones marked before the heatmap. Seconds from the display to the answer."""

    trial: Trial
    first: str
    region: tuple[str, ...]
    first_seconds: float
    second: str
    second_seconds: float


@dataclass(eq=False)
class StudySession:
    """A session under way. file: where its lines are kept, or None to keep them in memory only, as on a public copy."""

    settings: Settings
    file: Path | None
    trials: list[Trial]
    readings: list[Reading] = field(default_factory=list)
    pending: dict[str, Any] | None = None
    """The first answer of a trial whose second is missing: it cannot be changed once the heatmap was seen."""

    @property
    def current(self) -> Trial | None:
        """The trial to show, or None at the end."""
        return self.trials[len(self.readings)] if len(self.readings) < len(self.trials) else None

    def commit_first(self, answer: str, region: Sequence[str], seconds: float) -> None:
        """Record the answer before the heatmap. Raises ValueError where it is there already."""
        if self.pending is not None or self.current is None:
            raise ValueError("The first answer of this trial is recorded already.")
        self.pending = {"first": answer, "region": list(region), "first_seconds": round(seconds, 1)}
        self._append({"kind": "first", "number": self.current.number, **self.pending})

    def commit_second(self, answer: str, seconds: float) -> None:
        """Record the answer after the heatmap and go on to the next trial. Raises ValueError before the first answer."""
        if self.pending is None or self.current is None:
            raise ValueError("The first answer of this trial is missing.")
        line = {"kind": "second", "number": self.current.number, "second": answer, "second_seconds": round(seconds, 1)}
        self._append(line)
        self._finish(line)

    def _finish(self, line: dict[str, Any]) -> None:
        assert self.pending is not None and self.current is not None
        first = self.pending
        self.pending = None
        self.readings.append(
            Reading(
                self.current,
                first["first"],
                tuple(first["region"]),
                first["first_seconds"],
                line["second"],
                line["second_seconds"],
            )
        )

    def _append(self, line: dict[str, Any]) -> None:
        if self.file is None:
            return
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def begin(settings: Settings, folder: Path | None) -> StudySession:
    """A new session after consent, with its file `folder/READER.jsonl`.

    Raises DataError if it cannot be planned or written.
    """
    trials = plan(settings.images, settings.methods, settings.reader, settings.count)
    session = StudySession(settings, None, trials)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            session.file = _file(folder, settings.reader)
            session._append(
                {
                    "kind": "consent",
                    "date": datetime.now(UTC).isoformat(timespec="seconds"),
                    "consent": sha256(CONSENT.encode()).hexdigest(),
                    "settings": asdict(settings),
                }
            )
        except OSError as error:
            raise DataError(f"The folder of the reader study cannot be written: {folder}: {error.strerror}.") from None
    return session


def resume(folder: Path, reader: str) -> StudySession | None:
    """The session with this code as far as it got; None if there is none. A line cut short is left out.

    Raises DataError for a damaged file.
    """
    file = _file(folder, reader)
    if not file.is_file():
        return None
    text = file.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:  # the process ended while it wrote the last line
        with written_whole(file) as partial:
            partial.write_text(whole, "utf-8")
    try:
        consent, *answers = map(json.loads, whole.splitlines())
        stored = consent["settings"]
        images = tuple(StudyImage(**image) for image in stored["images"])
        settings = Settings(stored["reader"], stored["model"], tuple(stored["methods"]), stored["count"], images)
        session = StudySession(settings, file, plan(images, settings.methods, reader, settings.count))
        for line in answers:
            if line["kind"] == "first":
                session.pending = {name: line[name] for name in ("first", "region", "first_seconds")}
            else:
                session._finish(line)
    except (ValueError, LookupError, TypeError, AssertionError):
        raise DataError(f"The reader study file {file.name} is damaged; start a new session.") from None
    return session


def _file(folder: Path, reader: str) -> Path:
    """The file of a reader. Raises DataError for a code that no session gave."""
    if len(reader) != READER_CODE or set(reader) - set("0123456789abcdef"):
        raise DataError(f"“{reader[:20]}” is not a reader's code; a code has {READER_CODE} digits or letters from a to f.")
    return folder / f"{reader}.jsonl"
