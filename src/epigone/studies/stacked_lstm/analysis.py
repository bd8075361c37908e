"""Whether the paper's claims hold in the study `stacked-lstm`, each with the figures behind the answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from epigone.evaluation.intervals import Difference, mean_interval, paired_difference
from epigone.studies.engine.claims import Claim, answer, mean_of, signed
from epigone.studies.engine.rows import RowResult, validation_mean
from epigone.studies.engine.store import Finished

Runs = Mapping[str, Sequence[Finished]]
Found = tuple[str, str]
"""The answer to a claim and its evidence."""

SINGLES, PAIRS = ("0", "1", "2"), ("0+1", "0+2", "1+2")


class NotKnown(Exception):
    """A claim rests on a row that diverged."""


def units(names: Iterable[str], runs: Runs, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each document, averaged over the seeds of all the rows named, and its tokens.

    Raises:
        NotKnown: one of them diverged.
    """
    names = list(names)
    if diverged := [name for name in names if not all(run.losses for run in runs[name])]:
        raise NotKnown(f"row {diverged[0]} diverged")
    losses = [run.losses[split] for name in names for run in runs[name]]
    nats = np.mean([loss.by_document()[0] for loss in losses], axis=0)
    return nats, losses[0].by_document()[1]


def difference(ours: Iterable[str], theirs: Iterable[str], runs: Runs, split: str = "test") -> Difference:
    """Loss of one group of rows minus that of another, paired over documents."""
    a, tokens = units(ours, runs, split)
    b, _ = units(theirs, runs, split)
    return paired_difference(a, b, tokens)


def show(d: Difference) -> str:
    """A difference with its interval."""
    return signed(d.estimate, d.low, d.high)


def claims(
    runs: Runs, splits: Mapping[str, Sequence[RowResult | None]], english: Mapping[str, Sequence[float]]
) -> list[Claim]:
    """Each of the paper's claims, answered for the recipe "paper"; differences on the test split.

    Args:
        runs: those of each row by its name, diverged ones too.
        splits: the scratch row and a retrained one on other splits of the text, None where it diverged.
        english: shares of English words in samples of scratch, far and near, as far as these did not diverge.
    """
    scratch = next(name for name in runs if name.startswith("paper: scratch"))
    near, far = ([name for name in runs if name.startswith(f"paper: {role}, layers")] for role in ("near", "far"))
    asked: dict[str, Callable[[], Found]] = {
        "every transferred row beats scratch": lambda: _all_beat_scratch([*far, *near], scratch, runs),
        "the near source beats the far one": lambda: _near_beats_far(near, far, runs),
        "far: two retrained layers beat one": lambda: _pairs_beat_singles(far, runs),
        "far: which ones matter little": lambda: _which_matters_little(far, PAIRS, runs),
        "near: one retrained layer suffices": lambda: _singles_suffice(near, runs),
        "near: which one matters little": lambda: _which_matters_little(near, SINGLES, runs),
        "near: the smaller rate is better": lambda: _smaller_rate(near, runs, better=True),
        "far: the larger rate is better": lambda: _smaller_rate(far, runs, better=False),
        "the untouched near base beats scratch on validation though its loss on the training text is higher": (
            lambda: _near_base_generalises(scratch, runs)
        ),
        "the untouched far base is much worse than scratch": lambda: _far_base_is_worse(scratch, runs),
        "scratch overfits even with dropout": lambda: _overfits(scratch, runs),
        "test is harder than validation by luck of the split": lambda: _luck_of_the_split(splits),
        "transferred models write more English words (whether their lines make sense, the samples show)": (
            lambda: _more_english(english)
        ),
    }
    return [Claim(claim, *_found(find)) for claim, find in asked.items()]


def _found(find: Callable[[], Found]) -> Found:
    try:
        return find()
    except NotKnown as reason:
        return "unclear", str(reason)


def _all_beat_scratch(retrained: Sequence[str], scratch: str, runs: Runs) -> Found:
    found = {name: difference([name], [scratch], runs) for name in retrained}
    worst, best = max(found, key=lambda n: found[n].estimate), min(found, key=lambda n: found[n].estimate)
    beaten = sum(d.high < 0 for d in found.values())
    lost = sum(d.low > 0 for d in found.values())
    return (
        "yes" if beaten == len(found) else "no" if lost else "unclear",
        f"{beaten} of {len(found)} rows are below {scratch}, {lost} above; best {best}: {show(found[best])}, worst "
        f"{worst}: {show(found[worst])}",
    )


def _near_beats_far(near: Sequence[str], far: Sequence[str], runs: Runs) -> Found:
    ours, theirs = (min(names, key=lambda name: validation_mean(runs[name])) for names in (near, far))
    d = difference([ours], [theirs], runs)
    return answer(d.low, d.high), f"{ours} against {theirs}: {show(d)}"


def _with_layers(names: Sequence[str], layers: Sequence[str]) -> list[str]:
    return [name for name in names if name.split("layers ")[1].split(",")[0] in layers]


def _at_better_rate(names: Sequence[str], layers: Sequence[str], runs: Runs) -> list[str]:
    rate = _better_rate(names, runs)
    return [name for name in _with_layers(names, layers) if name.endswith(rate)]


def _pairs_minus_singles(names: Sequence[str], runs: Runs) -> tuple[Difference, str]:
    d = difference(_at_better_rate(names, PAIRS, runs), _at_better_rate(names, SINGLES, runs), runs)
    return d, f"pairs minus singles, {_better_rate(names, runs)}: {show(d)}"


def _pairs_beat_singles(names: Sequence[str], runs: Runs) -> Found:
    d, said = _pairs_minus_singles(names, runs)
    return answer(d.low, d.high), f"{said}; {_scale(_gain(names, PAIRS, runs))}"


def _singles_suffice(names: Sequence[str], runs: Runs) -> Found:
    d, said = _pairs_minus_singles(names, runs)
    gain = _gain(names, SINGLES, runs)
    return _little(-d.high, -d.low, gain), f"{said}; {_scale(gain)}"


def _which_matters_little(names: Sequence[str], layers: Sequence[str], runs: Runs) -> Found:
    """How far apart the best and the worst of rows with as many layers lie."""
    gain, group = _gain(names, layers, runs), _at_better_rate(names, layers, runs)
    test = {name: mean_of([run.losses["test"].loss for run in runs[name]]) for name in group}
    low, high = min(test, key=lambda n: test[n]), max(test, key=lambda n: test[n])
    apart = difference([high], [low], runs)
    return _little(apart.low, apart.high, gain), f"{high} minus {low}: {show(apart)}; {_scale(gain)}"


def _gain(names: Sequence[str], layers: Sequence[str], runs: Runs) -> float:
    """What retraining so many layers gains on the untouched base, in nats per character."""
    role = names[0].removeprefix("paper: ").partition(",")[0]
    return abs(difference(_at_better_rate(names, layers, runs), [_untouched_name(role)], runs).estimate)


def _scale(gain: float) -> str:
    return f"retraining them gains {gain:.3f} on the untouched base, and little is under a quarter of that"


def _little(low: float, high: float, gain: float) -> str:
    """Whether a difference with this interval is under a quarter of what retraining gains at all."""
    return "yes" if high < 0.25 * gain else "no" if low > 0.25 * gain else "unclear"


def _untouched_name(role: str) -> str:
    return f"paper: {role}, untouched"


def _rates(names: Sequence[str]) -> list[str]:
    return sorted({name.rsplit(", ", 1)[1] for name in names})


def _better_rate(names: Sequence[str], runs: Runs) -> str:
    """The rate whose rows have the lower mean validation loss."""
    return min(
        _rates(names),
        key=lambda rate: mean_of([r.validation_loss for n in names if n.endswith(rate) for r in runs[n]]),
    )


def _smaller_rate(names: Sequence[str], runs: Runs, better: bool) -> Found:
    large, small = ([name for name in names if name.endswith(rate)] for rate in ("lr 1e-2", "lr 1e-3"))
    d = difference(small, large, runs)
    return answer(d.low, d.high, negative=better), f"1e-3 minus 1e-2, mean over all subsets: {show(d)}"


def _near_base_generalises(scratch: str, runs: Runs) -> Found:
    on_validation, on_train = (
        difference([_untouched_name("near")], [scratch], runs, split) for split in ("validation", "train")
    )
    below, above = answer(on_validation.low, on_validation.high), answer(on_train.low, on_train.high, negative=False)
    return (
        "yes" if below == above == "yes" else "no" if "no" in (below, above) else "unclear",
        f"near minus scratch on validation {show(on_validation)}, on the training text {show(on_train)}",
    )


def _far_base_is_worse(scratch: str, runs: Runs) -> Found:
    d = difference([_untouched_name("far")], [scratch], runs, "validation")
    return answer(d.low, d.high, negative=False), f"far minus scratch on validation {show(d)}"


def _overfits(scratch: str, runs: Runs) -> Found:
    """Whether validation rises again after its best epoch while the training loss goes on falling."""
    units([scratch], runs, "test")
    rises = [
        run.history[-1]["validation_loss"] - min(row["validation_loss"] for row in run.history) for run in runs[scratch]
    ]
    gap = mean_of([run.losses["test"].loss - run.losses["train"].loss for run in runs[scratch]])
    return (
        "yes" if min(rises) > 0 and gap > 0.05 else "no",
        f"validation rose by {mean_of(rises):.3f} after its best epoch ({min(rises):.3f} to {max(rises):.3f}); "
        f"test minus train at the best epoch {gap:.3f}",
    )


def _luck_of_the_split(splits: Mapping[str, Sequence[RowResult | None]]) -> Found:
    gaps: dict[str, list[float]] = {name: [] for name in splits}
    for name, rows in splits.items():
        for seed, row in enumerate(rows):
            if row is None:
                raise NotKnown(f"row {name} diverged on split {seed}")
            gaps[name].append(row.loss - row.validation_loss)
    signs = {np.sign(gap) for values in gaps.values() for gap in values}
    listed = "; ".join(f"{name}: " + ", ".join(f"{gap:+.3f}" for gap in values) for name, values in gaps.items())
    return "yes" if len(signs) > 1 else "no", f"test minus validation on five splits: {listed}"


def _more_english(english: Mapping[str, Sequence[float]]) -> Found:
    """Whether a transferred model writes more English words than scratch; the first is scratch."""
    if len(english) < 3:
        raise NotKnown("all rows from scratch, of far or of near diverged")
    scratch, *others = english
    found = {name: mean_interval(np.subtract(english[name], english[scratch])) for name in others}
    said = {answer(d.low, d.high, negative=False) for d in found.values()}
    shares = ", ".join(f"{name} {mean_of(values):.1%}" for name, values in english.items())
    gains = ", ".join(f"{name}: {100 * d.estimate:+.1f} points" for name, d in found.items())
    return (
        said.pop() if len(said) == 1 else "unclear",
        f"English words in 20 samples of 1,000 characters: {shares}; more than scratch: {gains}",
    )
