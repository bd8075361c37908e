"""The paper's claims in the study `stacked-lstm`, each with an answer and the figures behind it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from epigone.evaluation.intervals import Difference, mean_interval, paired_difference
from epigone.report.numbers import NumberStyle, format_value
from epigone.studies.engine.claims import Claim, answer, mean_of, signed
from epigone.studies.engine.rows import Row, RowResult, labelled, validation_mean
from epigone.studies.engine.store import Finished
from epigone.studies.stacked_lstm.grid import rate_in_words

Runs = Mapping[str, Sequence[Finished]]
Rows = Sequence[Row]
Found = tuple[str, str]
"""The answer to a claim and its evidence."""


class NotKnown(Exception):
    """A claim rests on a row that diverged or that the grid does not have."""


def units(rows: Rows, runs: Runs, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each document (mean over the seeds of all rows) and its tokens.

    Raises:
        NotKnown: there is no row, or one of them diverged.
    """
    if not rows:
        raise NotKnown("the grid has no row for this claim")
    if diverged := [row.name for row in rows if not all(run.losses for run in runs[row.name])]:
        raise NotKnown(f"row {diverged[0]} diverged")
    losses = [run.losses[split] for row in rows for run in runs[row.name]]
    nats = np.mean([loss.by_document()[0] for loss in losses], axis=0)
    return nats, losses[0].by_document()[1]


def difference(ours: Rows, theirs: Rows, runs: Runs, split: str = "test") -> Difference:
    """Loss of one group of rows minus that of another (nats per token), paired over documents."""
    a, tokens = units(ours, runs, split)
    b, _ = units(theirs, runs, split)
    return paired_difference(a, b, tokens)


def show(d: Difference) -> str:
    """A difference with its interval."""
    return signed(d.estimate, d.low, d.high)


def claims(
    rows: Rows,
    runs: Runs,
    splits: Mapping[str, Sequence[RowResult | None]],
    english: Mapping[str, Sequence[float]],
    recipe: str = "paper",
) -> list[Claim]:
    """Answer each of the paper's claims for a recipe; differences are on the test split.

    Args:
        rows: all rows of the grid, diverged ones too.
        runs: the runs of each row by its name.
        splits: the scratch row and a retrained one on other splits of the text, None if it diverged there.
        english: shares of English words in samples of scratch, far and near, without those that diverged.
        recipe: the recipe whose rows are asked.
    """
    paper = labelled(rows, recipe=recipe)
    scratch = labelled(paper, family="scratch")[:1]
    near, far = (labelled(paper, family="transfer", base=role) for role in ("near", "far"))
    near_base, far_base = (labelled(paper, family="base", base=role) for role in ("near", "far"))
    asked: dict[str, Callable[[], Found]] = {
        "every transferred row beats scratch": lambda: _all_beat_scratch([*far, *near], scratch, runs),
        "the near source beats the far one": lambda: _near_beats_far(near, far, runs),
        "far: two retrained layers beat one": lambda: _pairs_beat_singles(far, far_base, runs),
        "far: which two layers are retrained matters little": lambda: _which_matters_little(far, 2, far_base, runs),
        "near: one retrained layer suffices": lambda: _singles_suffice(near, near_base, runs),
        "near: which layer is retrained matters little": lambda: _which_matters_little(near, 1, near_base, runs),
        "near: the smaller rate is better": lambda: _smaller_rate(near, runs, better=True),
        "far: the larger rate is better": lambda: _smaller_rate(far, runs, better=False),
        "the untouched near base beats scratch on validation though its loss on the training text is higher": (
            lambda: _near_base_generalises(near_base, scratch, runs)
        ),
        "the untouched far base is much worse than scratch": lambda: _far_base_is_worse(far_base, scratch, runs),
        "scratch overfits even with dropout": lambda: _overfits(scratch, runs),
        "test is harder than validation by luck of the split": lambda: _luck_of_the_split(splits),
        "transferred models write more English words (the samples show if their lines make sense)": (
            lambda: _more_english(english)
        ),
    }
    return [Claim(claim, *_found(find)) for claim, find in asked.items()]


def _found(find: Callable[[], Found]) -> Found:
    try:
        return find()
    except NotKnown as reason:
        return "unclear", str(reason)


def _all_beat_scratch(retrained: Rows, scratch: Rows, runs: Runs) -> Found:
    units([*retrained, *scratch], runs, "test")
    found = {row.name: difference([row], scratch, runs) for row in retrained}
    worst, best = max(found, key=lambda n: found[n].estimate), min(found, key=lambda n: found[n].estimate)
    beaten = sum(d.high < 0 for d in found.values())
    lost = sum(d.low > 0 for d in found.values())
    return (
        "yes" if beaten == len(found) else "no" if lost else "unclear",
        f"{beaten} of {len(found)} rows are better than “{scratch[0].name}”, {lost} worse; the best is “{best}”: "
        f"{show(found[best])}, the worst “{worst}”: {show(found[worst])}",
    )


def _near_beats_far(near: Rows, far: Rows, runs: Runs) -> Found:
    ours, theirs = (_best(rows, runs) for rows in (near, far))
    d = difference([ours], [theirs], runs)
    return answer(d.low, d.high), f"“{ours.name}” minus “{theirs.name}”: {show(d)}"


def _best(rows: Rows, runs: Runs) -> Row:
    """The row with the lowest mean validation loss."""
    if not rows:
        raise NotKnown("the grid has no row for this claim")
    return min(rows, key=lambda row: validation_mean(runs[row.name]))


def _with_layers(rows: Rows, number: int, runs: Runs) -> Rows:
    """The rows in which this number of layers was retrained, at the better rate."""
    rate = _better_rate(rows, runs)
    return [row for row in labelled(rows, rate=rate) if len(row.labels.get("layers", ())) == number]


def _pairs_minus_singles(rows: Rows, runs: Runs) -> tuple[Difference, str]:
    d = difference(_with_layers(rows, 2, runs), _with_layers(rows, 1, runs), runs)
    return d, f"two layers minus one, {rate_in_words(_better_rate(rows, runs))}: {show(d)}"


def _pairs_beat_singles(rows: Rows, base: Rows, runs: Runs) -> Found:
    d, said = _pairs_minus_singles(rows, runs)
    return answer(d.low, d.high), f"{said}; {_gained(_gain(rows, 2, base, runs))}"


def _singles_suffice(rows: Rows, base: Rows, runs: Runs) -> Found:
    d, said = _pairs_minus_singles(rows, runs)
    gain = _gain(rows, 1, base, runs)
    enough = "“suffices” means that a second layer adds less than a quarter of that"
    return _little(-d.high, -d.low, gain), f"{said}; {_gained(gain)}, and {enough}"


def _which_matters_little(rows: Rows, number: int, base: Rows, runs: Runs) -> Found:
    """Compare the best and the worst of the rows with this number of retrained layers."""
    gain, group = _gain(rows, number, base, runs), _with_layers(rows, number, runs)
    test = [mean_of([run.losses["test"].loss for run in runs[row.name]]) for row in group]
    low, high = group[int(np.argmin(test))], group[int(np.argmax(test))]
    apart = difference([high], [low], runs)
    return (
        _little(apart.low, apart.high, gain),
        f"“{high.name}” minus “{low.name}”: {show(apart)}; {_gained(gain)}, and “little” means "
        "less than a quarter of that",
    )


def _gain(rows: Rows, number: int, base: Rows, runs: Runs) -> float:
    """The gain of retraining this number of layers over the untouched base, in nats per character."""
    return abs(difference(_with_layers(rows, number, runs), base, runs).estimate)


def _gained(gain: float) -> str:
    return f"retraining gains {gain:.3f} over the untouched base"


def _little(low: float, high: float, gain: float) -> str:
    """Answer if a difference with this interval is under a quarter of the gain of retraining."""
    return "yes" if high < 0.25 * gain else "no" if low > 0.25 * gain else "unclear"


def _rates(rows: Rows) -> list[float]:
    return sorted({row.labels["rate"] for row in rows}, reverse=True)


def _better_rate(rows: Rows, runs: Runs) -> float:
    """The rate whose rows have the lower mean validation loss."""
    if not rows:
        raise NotKnown("the grid has no row for this claim")
    return min(
        _rates(rows),
        key=lambda rate: mean_of([r.validation_loss for row in labelled(rows, rate=rate) for r in runs[row.name]]),
    )


def _smaller_rate(rows: Rows, runs: Runs, better: bool) -> Found:
    if len(rates := _rates(rows)) < 2:
        raise NotKnown("the grid has fewer than two rates")
    small, large = rates[-1], rates[0]
    d = difference(labelled(rows, rate=small), labelled(rows, rate=large), runs)
    low, high = (rate_in_words(rate).removeprefix("lr ") for rate in (small, large))
    return answer(d.low, d.high, negative=better), f"{low} minus {high}, mean over all subsets: {show(d)}"


def _near_base_generalises(base: Rows, scratch: Rows, runs: Runs) -> Found:
    on_validation, on_train = (difference(base, scratch, runs, split) for split in ("validation", "train"))
    below, above = answer(on_validation.low, on_validation.high), answer(on_train.low, on_train.high, negative=False)
    return (
        "yes" if below == above == "yes" else "no" if "no" in (below, above) else "unclear",
        f"near minus scratch on validation {show(on_validation)}, on the training text {show(on_train)}",
    )


def _far_base_is_worse(base: Rows, scratch: Rows, runs: Runs) -> Found:
    d = difference(base, scratch, runs, "validation")
    return answer(d.low, d.high, negative=False), f"far minus scratch on validation {show(d)}"


def _overfits(scratch: Rows, runs: Runs) -> Found:
    """Answer if validation rises again after its best epoch while the training loss goes on falling."""
    units(scratch, runs, "test")
    mine = runs[scratch[0].name]
    rises = [run.history[-1]["validation_loss"] - min(row["validation_loss"] for row in run.history) for run in mine]
    gap = mean_of([run.losses["test"].loss - run.losses["train"].loss for run in mine])
    return (
        "yes" if min(rises) > 0 and gap > 0.05 else "no",
        f"validation rose by {mean_of(rises):.3f} after its best epoch ({min(rises):.3f} to {max(rises):.3f} by seed); "
        f"test minus train at the best epoch {format_value(gap)}",
    )


def _luck_of_the_split(splits: Mapping[str, Sequence[RowResult | None]]) -> Found:
    if not splits:
        raise NotKnown("the grid has no scratch network to train on other splits")
    gaps: dict[str, list[float]] = {name: [] for name in splits}
    for name, rows in splits.items():
        for seed, row in enumerate(rows):
            if row is None:
                raise NotKnown(f"row {name} diverged on split {seed}")
            gaps[name].append(row.loss - row.validation_loss)
    signs = {np.sign(gap) for values in gaps.values() for gap in values}
    listed = "; ".join(
        f"“{name}” " + ", ".join(format_value(gap, NumberStyle(signed=True)) for gap in values)
        for name, values in gaps.items()
    )
    return "yes" if len(signs) > 1 else "no", f"test minus validation on five splits: {listed}"


def _more_english(english: Mapping[str, Sequence[float]]) -> Found:
    """Answer if the transferred models write more English words than scratch, which comes first."""
    if len(english) < 3:
        raise NotKnown("all rows from scratch, of far or of near diverged or are not in the grid")
    scratch, *others = english
    found = {name: mean_interval(np.subtract(english[name], english[scratch])) for name in others}
    said = {answer(d.low, d.high, negative=False) for d in found.values()}
    shares = ", ".join(f"“{name}” {mean_of(values):.1%}" for name, values in english.items())
    gains = ", ".join(f"“{name}” {100 * d.estimate:+.1f} points" for name, d in found.items())
    return (
        said.pop() if len(said) == 1 else "unclear",
        f"English words in 20 samples of 1,000 characters: {shares}; more than scratch: {gains}",
    )
