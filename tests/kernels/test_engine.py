"""The choice among the builds of the native engine."""

import os
import subprocess
import sys

import pytest

from epigone.errors import UserError
from epigone.kernels import BUILDS, MISSING, VARIABLE, available, engine, in_use


def test_the_best_build_that_runs_here_is_used(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    engine.cache_clear()
    found = engine()
    names = available()
    assert names == [name for name in BUILDS if name in names]
    assert (found.__name__ if found else "") == (f"epigone.kernels._{names[0]}" if names else "")
    engine.cache_clear()


def test_a_build_can_be_forced(build):
    found = engine()
    assert found is not None
    assert found.__name__.endswith(f"._{build}")


def test_none_can_be_forced(no_engine):
    assert engine() is None


def test_a_build_that_is_not_there(monkeypatch):
    monkeypatch.setenv(VARIABLE, "mmx")
    engine.cache_clear()
    with pytest.raises(UserError, match=r"asks for the build 'mmx'; available here are .*none\."):
        engine()
    engine.cache_clear()


def test_an_unknown_processor_gets_the_portable_build_alone(monkeypatch):
    class Portable:
        @staticmethod
        def supports(name):
            return name == "portable"

    monkeypatch.setattr("epigone.kernels._build", lambda name: Portable())
    assert available() == ["portable"]


def test_without_a_compiled_module_there_is_no_engine(monkeypatch, caplog):
    monkeypatch.setattr("epigone.kernels._build", lambda name: None)
    monkeypatch.delenv(VARIABLE, raising=False)
    engine.cache_clear()
    assert available() == []
    with caplog.at_level("INFO", "epigone.kernels"):
        assert engine() is None
        assert engine() is None
    assert caplog.messages == [MISSING]  # said once
    assert in_use() == "none"
    engine.cache_clear()


def test_a_build_in_use_is_named(build):
    assert in_use() == build


def test_generating_loads_no_torch(make_base, build):
    folder = make_base()
    script = (
        "import sys; from epigone.app.cli import run; run(sys.argv[1:]); "
        "assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    arguments = ["generate", str(folder), "--stream", "--length", "5", "--quiet"]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True)


FORK = """
import os, sys
import numpy as np
from epigone.kernels import engine
def step():
    arrays = [tuple(np.ones(100, np.float32) for _ in range(3))]
    engine().rmsprop(arrays, lr=0.1, alpha=0.9, eps=1e-8, weight_decay=0.0, threads=2)
step()
child = os.fork()
if len(sys.argv) > 1:
    step()
if not child:
    sys.exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
@pytest.mark.parametrize("again", [[], ["again"]])
def test_a_fork_ends_whether_it_uses_the_engine_or_not(again):
    done = subprocess.run([sys.executable, "-c", FORK, *again], timeout=60, check=False)
    assert done.returncode == 0
