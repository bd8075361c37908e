"""Corpora as blocks: got from their homes, and described."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from epigone.app.blocks import Block, Facts
from epigone.report.numbers import duration
from epigone.report.tables import Column, Table

MOST = 20  # rows that are shown
LETTERS, COPIES = 12, 3  # letters beyond ASCII, and near copies, that are listed
SURE = 0.05  # least share of a language that is named
AHEAD = 0.9  # share of the text that one language must have to be called that of the corpus


def files(result: Any) -> Iterator[Block]:
    """The downloads, where the texts are, and what may be done with them."""
    columns = [
        Column("name", "name", align="left"),
        Column("title", "text", align="left"),
        Column("megabytes", "MB", digits=2),
        Column("from", "from", align="left"),
        Column("sha256", "sha256", align="left"),
    ]
    rows = [
        {
            "name": row.name,
            "title": row.title,
            "megabytes": row.bytes / 1e6,
            "from": row.origin,
            "sha256": f"{row.sha256[:16]}{' ✓' * row.verified}",
        }
        for row in result.rows[:MOST]
    ]
    more = len(result.rows) - MOST
    notes = ["✓ the sha256 that is known of this file."] * any(row.verified for row in result.rows)
    notes += [f"{more:,} further files are in --json."] * (more > 0)
    yield Table("", columns, rows, " ".join(notes))
    folders = ", ".join(result.folders)
    target = result.files[0] if len(result.files) == 1 else result.folders[0]
    yield Facts(
        [
            ("texts", f"{len(result.files):,} file{'s' * (len(result.files) != 1)} in {folders}, "
             f"{result.bytes / 1e6:,.2f} MB"),
            *((f"rights of {name}", rights) for name, rights in result.rights.items()),
            *(("notice", notice) for notice in result.notices),
            ("next", f"epigone corpus stats {target}"),
        ]
    )  # fmt: skip


def stats(result: Any) -> Iterator[Block]:
    """The facts about the texts, the bases, and how long learning takes."""
    shortest, middle, longest = result.lengths
    copies = "; ".join(f"{copy} like {original}" for copy, original in result.near_copies[:COPIES])
    further = len(result.near_copies) - COPIES
    yield Facts(
        {
            "corpus": ", ".join(result.texts),
            "sha256": result.corpus[:16],
            "documents": f"{result.documents:,}" + f" of {shortest:,} to {longest:,} characters, {middle:,} in the "
            "middle" * (result.documents > 1),
            "characters": f"{result.characters:,}, of which finetune learns from {result.learned:,}",
            "words": f"{result.words:,}",
            "kept by the reader": "" if result.kept is None else f"{result.kept:.1%} of the characters in the files",
            "exact copies": f"{result.duplicates:,}, left out" if result.duplicates else "none",
            "near copies": f"{len(result.near_copies):,}: {copies}{' …' * (further > 0)}" if copies else "none",
            "alphabet": f"{result.alphabet:,} characters{_beyond(result.beyond_ascii)}",
            "language": _language(result.languages),
        }
    )
    yield _bases(result)
    yield Facts([("enough", sentence) for sentence in result.enough])


def _beyond(letters: dict[str, int]) -> str:
    if not letters:
        return ", all of ASCII"
    listed = ", ".join(f"{_name(letter)} {number:,}" for letter, number in list(letters.items())[:LETTERS])
    return f", {len(letters):,} beyond ASCII: {listed}{' …' * (len(letters) > LETTERS)}"


def _name(letter: str) -> str:
    """Write a character; one that cannot be seen alone by its code."""
    return letter if unicodedata.category(letter)[0] in "LPSN" else f"U+{ord(letter):04X}"


def _language(shares: dict[str, float]) -> str:
    named = {language: share for language, share in shares.items() if language and share >= SURE}
    if not named:
        return "not sure"
    listed = ", ".join(f"{language} ({share:.0%})" for language, share in named.items())
    first, share = next(iter(named.items()))
    return first if share >= AHEAD else f"{listed}; not sure of the rest"


def _bases(result: Any) -> Table:
    columns = [
        Column("base", "base", align="left"),
        Column("bits", "bits/char", digits=3),
        Column("own", "on its own kind", digits=3, optional=True),
        Column("dropped", "unknown", notation="percent", digits=1),
        Column("seen", "read before", notation="percent", optional=True),
        Column("epoch", "an epoch", align="left", optional=True),
        Column("most", "finetune, at most", align="left", optional=True),
    ]
    times = {each.base: each for each in result.durations}
    rows = []
    for row in result.rows:
        time = times.get(row.base)
        rows.append(
            {
                "base": row.base,
                "bits": row.bits_per_char,
                "own": row.own_bits_per_char,
                "dropped": row.dropped,
                "seen": row.seen,
                "epoch": time and duration(time.epoch),
                "most": time and duration(time.most),
            }
        )
    note = (
        f"Measured on {result.sample:,} characters in {result.passages:,} passages from all over the corpus. The fewer "
        "bits per character, the nearer is the base."
    )
    if times:
        note += " Times are of this machine as busy as it is now; early stopping ends most trainings sooner."
    return Table("Bases, before they learn anything", columns, rows, note)
