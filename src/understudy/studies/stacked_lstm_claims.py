"""Whether the paper's claims hold in the study `stacked-lstm`, each with the figures behind the answer."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from understudy.evaluation.intervals import Difference, mean_interval, paired_difference
from understudy.studies.results import Claim, answer, mean_of, signed
from understudy.studies.rows import RowResult
from understudy.studies.runs import Finished

Runs = Mapping[str, Sequence[Finished]]

SINGLES, PAIRS = ("0", "1", "2"), ("0+1", "0+2", "1+2")


def units(names: Iterable[str], runs: Runs, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each document, averaged over the seeds of all the rows named, and its tokens."""
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
    tables: Mapping[str, Sequence[RowResult]],
    runs: Runs,
    splits: Mapping[str, Sequence[RowResult]],
    english: Mapping[str, Sequence[float]],
) -> list[Claim]:
    """Each of the paper's claims, answered for the recipe "paper"; differences on the test split."""
    table = {row.name: row for row in tables["paper"]}
    scratch = next(name for name in table if name.startswith("paper: scratch"))
    retrained = [name for name, row in table.items() if row.family == "transfer"]
    near, far = ([n for n in retrained if n.startswith(f"paper: {role}")] for role in ("near", "far"))
    return [
        _all_beat_scratch(retrained, scratch, runs),
        _near_beats_far(near, far, table, runs),
        *_how_many_layers(far, "far", runs, "two retrained layers beat one"),
        *_how_many_layers(near, "near", runs, "one retrained layer suffices"),
        *_smaller_rate(near, far, runs),
        *_untouched(scratch, runs),
        _overfits(scratch, table, runs),
        _luck_of_the_split(splits),
        _more_english(english),
    ]


def _all_beat_scratch(retrained: Sequence[str], scratch: str, runs: Runs) -> Claim:
    found = {name: difference([name], [scratch], runs) for name in retrained}
    worst, best = max(found, key=lambda n: found[n].estimate), min(found, key=lambda n: found[n].estimate)
    beaten = sum(d.high < 0 for d in found.values())
    lost = sum(d.low > 0 for d in found.values())
    said = "yes" if beaten == len(found) else "no" if lost else "unclear"
    return Claim(
        "every transferred row beats scratch",
        said,
        f"{beaten} of {len(found)} rows are below {scratch}, {lost} above; best {best}: {show(found[best])}, worst "
        f"{worst}: {show(found[worst])}",
    )


def _best(names: Sequence[str], table: Mapping[str, RowResult]) -> str:
    return min(names, key=lambda name: table[name].validation_loss)


def _near_beats_far(near: Sequence[str], far: Sequence[str], table: Mapping[str, RowResult], runs: Runs) -> Claim:
    ours, theirs = _best(near, table), _best(far, table)
    d = difference([ours], [theirs], runs)
    return Claim("the near source beats the far one", answer(d.low, d.high), f"{ours} against {theirs}: {show(d)}")


def _with_layers(names: Sequence[str], layers: Sequence[str]) -> list[str]:
    return [name for name in names if name.split("layers ")[1].split(",")[0] in layers]


def _how_many_layers(names: Sequence[str], role: str, runs: Runs, claim: str) -> list[Claim]:
    """Singles against pairs, at the better of the rates; and how far apart the pairs, or the singles, lie."""
    rate = _better_rate(names, runs)
    mine = [name for name in names if name.endswith(rate)]
    pairs, singles = _with_layers(mine, PAIRS), _with_layers(mine, SINGLES)
    d = difference(pairs, singles, runs)
    group = pairs if role == "far" else singles
    gain = abs(difference(group, [_untouched_name(role)], runs).estimate)
    test = {name: mean_of([run.losses["test"].loss for run in runs[name]]) for name in group}
    low, high = min(test, key=lambda n: test[n]), max(test, key=lambda n: test[n])
    apart = difference([high], [low], runs)
    said = answer(d.low, d.high) if role == "far" else _little(-d.high, -d.low, gain)
    scale = f"retraining them gains {gain:.3f} on the untouched base, and little is under a quarter of that"
    return [
        Claim(f"{role}: {claim}", said, f"pairs minus singles, {rate}: {show(d)}; {scale}"),
        Claim(
            f"{role}: which {'ones matter' if role == 'far' else 'one matters'} little",
            _little(apart.low, apart.high, gain),
            f"{high} minus {low}: {show(apart)}; {scale}",
        ),
    ]


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


def _smaller_rate(near: Sequence[str], far: Sequence[str], runs: Runs) -> list[Claim]:
    found = []
    for role, names, wanted in (("near", near, True), ("far", far, False)):
        large, small = ([n for n in names if n.endswith(rate)] for rate in ("lr 1e-2", "lr 1e-3"))
        d = difference(small, large, runs)
        found.append(
            Claim(
                f"{role}: the {'smaller' if wanted else 'larger'} rate is better",
                answer(d.low, d.high, negative=wanted),
                f"1e-3 minus 1e-2, mean over all subsets: {show(d)}",
            )
        )
    return found


def _untouched(scratch: str, runs: Runs) -> list[Claim]:
    near, far = _untouched_name("near"), _untouched_name("far")
    on_validation, on_train = (difference([near], [scratch], runs, split) for split in ("validation", "train"))
    below, above = answer(on_validation.low, on_validation.high), answer(on_train.low, on_train.high, negative=False)
    d = difference([far], [scratch], runs, "validation")
    return [
        Claim(
            "the untouched near base beats scratch on validation though its loss on the training text is higher",
            "yes" if below == above == "yes" else "no" if "no" in (below, above) else "unclear",
            f"near minus scratch on validation {show(on_validation)}, on the training text {show(on_train)}",
        ),
        Claim(
            "the untouched far base is much worse than scratch",
            answer(d.low, d.high, negative=False),
            f"far minus scratch on validation {show(d)}",
        ),
    ]


def _overfits(scratch: str, table: Mapping[str, RowResult], runs: Runs) -> Claim:
    """Whether validation rises again after its best epoch while the training loss goes on falling."""
    rises = [
        run.history[-1]["validation_loss"] - min(row["validation_loss"] for row in run.history) for run in runs[scratch]
    ]
    gap = table[scratch].gap
    return Claim(
        "scratch overfits even with dropout",
        "yes" if min(rises) > 0 and gap > 0.05 else "no",
        f"validation rose by {mean_of(rises):.3f} after its best epoch ({min(rises):.3f} to {max(rises):.3f}); "
        f"test minus train at the best epoch {gap:.3f}",
    )


def _luck_of_the_split(splits: Mapping[str, Sequence[RowResult]]) -> Claim:
    gaps = {name: [row.loss - row.validation_loss for row in rows] for name, rows in splits.items()}
    signs = {np.sign(gap) for values in gaps.values() for gap in values}
    listed = "; ".join(f"{name}: " + ", ".join(f"{gap:+.3f}" for gap in values) for name, values in gaps.items())
    return Claim(
        "test is harder than validation by luck of the split",
        "yes" if len(signs) > 1 else "no",
        f"test minus validation on five splits: {listed}",
    )


def _more_english(english: Mapping[str, Sequence[float]]) -> Claim:
    """Whether a transferred model writes more English words than scratch; the first is scratch."""
    scratch, *others = english
    found = {name: mean_interval(np.subtract(english[name], english[scratch])) for name in others}
    said = {answer(d.low, d.high, negative=False) for d in found.values()}
    shares = ", ".join(f"{name} {mean_of(values):.1%}" for name, values in english.items())
    gains = ", ".join(f"{name}: {100 * d.estimate:+.1f} points" for name, d in found.items())
    return Claim(
        "transferred models write more English words (whether their lines make sense, the samples show)",
        said.pop() if len(said) == 1 else "unclear",
        f"English words in 20 samples of 1,000 characters: {shares}; more than scratch: {gains}",
    )
