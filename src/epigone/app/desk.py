"""`generate -i`: a writing desk, where a person and a model write one text by turns.

At a terminal only new text is shown, because what was typed is on the screen already; elsewhere the typed text is shown
too, so that standard output holds all of it. Whatever is no text goes to standard error. The commands are named in
`desk_commands.py`.
"""

import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from epigone.app.shown.generations import log_generation
from epigone.app.terminal import say, write_generated, write_sample
from epigone.errors import UserError
from epigone.evaluation.copied import measure_copying
from epigone.evaluation.quality import text_quality
from epigone.generation.generate import GenerateOptions
from epigone.generation.manuscript import Extent, Manuscript, Passage
from epigone.generation.prompt import read_prompt, read_stop
from epigone.generation.sampling import SamplingOptions
from epigone.models.files.model_folder import ModelFolder
from epigone.report.page import Sample

LENGTH = 300  # characters of a passage by default
LONGEST = 2000  # characters, after which the end of a line or a stanza is not waited for
CHOICES = 3
CONTEXT = 60  # characters of a line that is shown again


class Desk:
    """A text on the desk, and the settings of the next passage.

    Args:
        model: the model, whose tokenizer and fingerprints are used.
        manuscript: the text.
        options: the extent of a passage, stop strings, and a first text as the prompt.
        sampling: how each token is drawn, with a seed.
        corpus: the text that the model learned, in which copied runs are looked for.
        echo: show what was typed, too.
    """

    def __init__(
        self,
        model: ModelFolder,
        manuscript: Manuscript,
        options: GenerateOptions,
        sampling: SamplingOptions,
        corpus: Sequence[str | Path] = (),
        *,
        echo: bool,
    ) -> None:
        self.left = False
        self._model = model
        self._manuscript = manuscript
        self._corpus = corpus
        self._sampling = sampling
        self._stop = tuple(read_stop(stop, model.tokenizer, model.folder) for stop in options.stop)
        self._usual = self._extent = _extent(options)
        self._echo = echo
        self._past: list[tuple[Passage, ...]] = []  # the text before each step
        self._choices: list[Passage] = []
        self._saved = ""
        self._file: Path | None = None
        self._warned = ("", "")  # the command that would lose a text, and that text
        self._seconds = 0.0
        self._first_seed = sampling.seed
        if options.prompt:
            self._type(options.prompt)

    def answer(self, line: str) -> bool:
        """Take the number of a choice, or nothing for none, if that was asked for; anything else takes none.

        Raises:
            UserError: there is no choice of this number.
        """
        number = line.strip()
        if not self._choices or (number and not number.isdigit()):
            self._choices = []
            return False
        if number and not 1 <= int(number) <= len(self._choices):
            raise UserError(f"There is no choice {number}; type a number from 1 to {len(self._choices)}, or Enter.")
        choices, self._choices = self._choices, []
        if number:
            self._keep()
            self._manuscript.passages += (choices[int(number) - 1],)
        tell(f"Taken: {number}." if number else "None taken.")
        return True

    def add(self, text: str) -> None:
        """Add a typed text and let the model go on; nothing typed, it goes on alone.

        Raises:
            UserError: the model does not know characters or words of the text, which is as before.
            KeyboardInterrupt: Ctrl-C ended the passage, which is kept as far as it came.
        """
        before = self._manuscript.passages
        self._type(text)
        self._past.append(before)
        self._write(self._usual, go_on=not text)

    def report(self) -> None:
        """Log seed, speed and copying of what the model wrote of the text."""
        written = self._manuscript.written
        if written:
            copying, copied = measure_copying(self._model, written, corpus=self._corpus)
            log_generation(
                SimpleNamespace(
                    sampling=replace(self._sampling, seed=self._first_seed),
                    characters=sum(map(len, written)),
                    seconds=self._seconds,
                    quality=text_quality(written),
                    copying=copying,
                    texts=written,
                    copied=copied,
                )
            )

    def unsaved(self, command: str) -> bool:
        """Tell if a command would lose a text that is not saved, and say so; given again, it may."""
        now = command, self._manuscript.text
        if self._echo or now[1] in ("", self._saved) or now == self._warned:
            return False
        self._warned = now
        tell(f"The text is not saved. /save FILE saves it; /{command} again leaves it.")
        return True

    def again(self, value: str) -> None:
        passages = self._manuscript.passages
        if not passages or passages[-1].typed:
            raise UserError("The model has not written anything here yet. Enter lets it write.")
        self._keep()
        self._manuscript.passages = passages[:-1]
        self._write(self._extent)

    def undo(self, value: str) -> None:
        if not self._past:
            raise UserError("There is nothing to take back.")
        self._manuscript.passages = self._past.pop()
        last = self._manuscript.text.rstrip("\n").rpartition("\n")[2]
        tell(f"Taken back. The text ends with: {last[-CONTEXT:]}" if last else "Taken back. The text is empty.")

    def line(self, value: str) -> None:
        self._keep()
        self._write(Extent(max(LONGEST, self._usual.characters), until="line"))

    def stanza(self, value: str) -> None:
        self._keep()
        self._write(Extent(max(LONGEST, self._usual.characters), until="stanza"))

    def choose(self, value: str) -> None:
        before, found = self._manuscript.passages, []
        try:
            for number in range(1, CHOICES + 1):
                tell(f"── {number}")
                found.append(self._write(self._extent))
                self._manuscript.passages = before
        finally:
            self._manuscript.passages = before
        self._choices = found
        tell(f"Type a number from 1 to {CHOICES} to take one, or Enter for none.")

    def rule(self, name: str, value: str) -> None:
        shown = name.replace("_", "-")
        if not value:
            tell(f"/{shown} is {getattr(self._sampling, name)}.")
            return
        try:
            number = int(value) if name in ("top_k", "seed") else float(value)
        except ValueError as error:
            raise UserError(f"/{shown} needs a number; '{value}' was given.") from error
        self._sampling = replace(self._sampling, **{name: number})  # type: ignore[arg-type]
        tell(f"/{shown} is {number} from now on.")

    def length(self, value: str) -> None:
        if not value:
            tell(f"/length is {self._usual.characters}.")
            return
        if not value.isdigit() or not int(value):
            raise UserError(f"/length needs a number of characters from 1 on; '{value}' was given.")
        self._usual = self._extent = Extent(int(value))
        tell(f"/length is {int(value)} from now on.")

    def show(self, value: str) -> None:
        text = self._manuscript.text.removesuffix("\n")
        if not text:
            tell("The text is empty.")
            return
        copied = measure_copying(self._model, [text])[1][0]
        write_sample(Sample("", text, copied=[(run.start, run.end) for run in copied]))

    def save(self, value: str) -> None:
        file = Path(value).expanduser() if value else self._file
        if file is None:
            raise UserError("Name the file: /save FILE.")
        if file.is_dir():
            raise UserError(f"{file} is a folder; name a file in it.")
        if file.exists() and not (file == self._file and _text_of(file) == self._saved):
            raise UserError(f"{file} exists, and not as this desk saved it. Save under another name.")
        text = self._manuscript.text
        try:
            file.write_bytes(text.encode("utf-8", "replace"))
        except OSError as error:
            raise UserError(f"Could not write {file}: {error.strerror}. Save under another name.") from error
        self._file, self._saved = file, text
        tell(f"Saved {len(text):,} characters in {file}.")

    def new(self, value: str) -> None:
        if not self.unsaved("new"):
            self._keep()
            self._manuscript.passages = ()
            tell("A new text begins.")

    def quit(self, value: str) -> None:
        self.left = not self.unsaved("quit")

    def _keep(self) -> None:
        """Keep the text, for /undo."""
        self._past.append(self._manuscript.passages)

    def _type(self, text: str) -> None:
        before = len(self._manuscript.text)
        self._manuscript.type(read_prompt(text, self._model.tokenizer, self._model.folder))
        if self._echo:
            write_generated(self._manuscript.text[before:])

    def _write(self, extent: Extent, go_on: bool = True) -> Passage:
        """Let the model write a passage, and show it, after the line that it goes on with if that is not in sight."""
        self._extent = extent
        line = self._manuscript.text.rpartition("\n")[2]
        if go_on and not self._echo:
            tell("…" * (len(line) > CONTEXT) + line[-CONTEXT:], end="")
        own = self._sampling
        assert own.seed is not None
        self._sampling = replace(own, seed=(own.seed + 1) % 2**63)
        begin, shown = time.perf_counter(), ""

        def listen(text: str) -> None:
            nonlocal shown
            shown = text
            write_generated(text)

        try:
            passage = self._manuscript.write(own, extent, self._stop, listen)
        finally:
            self._seconds += time.perf_counter() - begin
            if not shown.endswith("\n"):
                say()
        if extent.until in ("line", "stanza") and not passage.complete:
            tell(f"No {extent.until} ended within {extent.characters:,} characters.")
        return passage


def tell(text: str = "", end: str = "\n") -> None:
    """Say something that is not part of the text."""
    say(text, end, sys.stderr)


def seeded(sampling: SamplingOptions) -> SamplingOptions:
    """Draw a seed if there is none."""
    return replace(sampling, seed=secrets.randbits(32)) if sampling.seed is None else sampling


def _extent(options: GenerateOptions) -> Extent:
    """The extent of a passage by the options of the command line."""
    if options.documents:
        return Extent(options.max_length, until="document")
    return Extent(options.length or LENGTH, options.tokens)


def _text_of(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, ValueError):
        return None
