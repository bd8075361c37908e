"""The mechanism of the benchmarks: children, turns, medians of ratios."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def timing(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import timing

    return timing


def test_a_ratio_is_the_median_of_the_rounds_ratios(timing):
    timings = timing.Timings({("a",): [1.0, 2.0, 9.0], ("b",): [1.0, 1.0, 3.0]})
    assert timings.median(("a",)) == 2.0
    assert timings.ratio(("a",), ("b",)) == 2.0
    assert timings.best([("a",), ("b",)]) == ("b",)


def test_a_duration_is_the_median_of_many_calls(timing, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(clock)))
    calls = []
    assert timing.seconds_of(lambda: calls.append(1), 8.0) == 1.0
    assert len(calls) >= 4


@pytest.mark.parametrize(("longest", "rounds", "children"), [(None, 2, 4), ("0.01", 1, 1)])
def test_cases_take_turns_in_processes_of_their_own(tmp_path, longest, rounds, children):
    """At the smallest size one child measures all cases."""
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os\n"
        "from timing import answer_as_child, take_turns\n"
        "def measure(name, size):\n"
        "    with open('children', 'a') as file:\n"
        "        file.write(f'{os.getpid()} {name}\\n')\n"
        "    return float(size)\n"
        "answer_as_child(measure)\n"
        f"timings = take_turns(measure, [('a', 1), ('b', 2)], {rounds}, 'Turns')\n"
        "print(json.dumps([timings.seconds[case] for case in (('a', 1), ('b', 2))]))\n"
    )
    environment = {"PYTHONPATH": str(FOLDER)} | ({"EPIGONE_BENCHMARK_SECONDS": longest} if longest else {})
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[1.0] * rounds, [2.0] * rounds]
    processes, names = zip(*(line.split() for line in (tmp_path / "children").read_text().splitlines()), strict=True)
    assert len(set(processes)) == children
    assert list(names) == ["a", "b"] * rounds
