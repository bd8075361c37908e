"""The registry that every kind of record has."""

import subprocess
import sys
from dataclasses import dataclass
from pkgutil import resolve_name

import pytest

from epigone.errors import UserError
from epigone.registry import Registry
from tests.conftest import REGISTRIES


@dataclass(frozen=True)
class Boat:
    """A record."""

    name: str
    use: str = ""


FERRY, KAYAK = Boat("ferry", "for many"), Boat("kayak")


@pytest.fixture
def boats():
    return Registry("boat", (FERRY,), described=lambda boat: boat.use)


def test_records_come_in_the_order_of_registration(boats):
    assert boats.register(KAYAK) is KAYAK
    assert boats.register(Boat("canoe")) is boats["canoe"]
    assert list(boats) == ["ferry", "kayak", "canoe"]
    assert boats["kayak"] is KAYAK
    assert "barge" not in boats
    assert boats.get("barge") is None
    assert boats.choices() == "ferry (for many), kayak, canoe"


def test_classes_are_registered_by_a_decorator(boats):
    @boats.register
    class Raft:
        name = "raft"

    assert boats["raft"] is Raft


def test_an_unknown_name_gets_the_nearest_and_the_list(boats):
    boats.register(KAYAK)
    with pytest.raises(UserError) as failed:
        boats["kyak"]
    assert str(failed.value) == (
        "There is no boat 'kyak'; choose one of ferry (for many), kayak. Did you mean 'kayak'? If it is your own, "
        "name its module with --extension."
    )
    with pytest.raises(UserError, match=r"no boat 'submarine'; choose one of ferry \(for many\), kayak\. If it is"):
        boats["submarine"]


def test_a_second_record_of_a_name_is_refused(boats):
    with pytest.raises(UserError, match="There is a boat 'ferry' already; choose another name"):
        boats.register(Boat("ferry", "for cars"))
    assert boats["ferry"] is FERRY


@pytest.mark.parametrize("place", REGISTRIES)
def test_every_kind_of_record_has_a_registry_in_the_same_form(place):
    registry = resolve_name(f"epigone.{place}")
    assert isinstance(registry, Registry)
    assert all(record.name == name for name, record in registry.items())
    with pytest.raises(UserError, match=f"There is no {registry.kind} 'nothing'; choose one of {next(iter(registry))}"):
        registry["nothing"]
    with pytest.raises(UserError, match="already"):
        registry.register(next(iter(registry.values())))


def test_it_loads_no_pytorch():
    code = "import sys, epigone.registry; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
