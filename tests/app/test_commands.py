import re

import pytest

from epigone.app import classify, corpus
from epigone.app.commands import COMMANDS
from epigone.studies import registry


def test_help_lists_the_commands_in_the_order_of_work(cli):
    result = cli("--help")
    assert result.status == 0
    assert result.err == ""
    places = [result.out.index(f"│ {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert all(flag in result.out for flag in ("--json", "--quiet", "--debug", "--recipe"))
    assert cli() == result


GROUPS = {"study": registry.subcommands(), "classify": classify.subcommands(), "corpus": corpus.subcommands()}
USAGES = {name: command.usage for name, command in COMMANDS.items() if name not in GROUPS}
USAGES |= {f"{group} {name}": usage for group, commands in GROUPS.items() for name, (_, usage) in commands.items()}


@pytest.mark.parametrize("command", USAGES)
def test_help_of_a_command_has_its_usage_and_describes_every_option(cli, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = cli(*command.split(), "--help")
    assert result.status == 0
    assert f"epigone {command} {USAGES[command]}" in result.out
    options = re.findall(r"^│ [* ]*(--.*)│$", result.out, re.MULTILINE)
    described = [re.fullmatch(r"--.*?\S {2,}([A-Z`].*)", option) for option in options]
    assert len(options) > (1 if command in ("plot", "import-fastai", "delta") else 3 if command == "corpus get" else 5)
    assert all(described), options
    assert "--recipe FILE.toml" in result.out
    assert "monitor" not in result.out


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("pretrain", "--out --tokenizer --cell --num-layers --hidden-size --dropout --optimizer --lr --schedule "
         "--epochs --minutes --steps --resume --no-fingerprint --encoding --separator --blank-lines --column "
         "--split-seed"),
        ("finetune", "--out --train --no-head --no-fingerprint --resume --lr"),
        ("compare", "--corpus --train --out --resume --seeds --trials --workers"),
        ("evaluate", "--split --split-seed --fractions"),
        ("generate", "--prompt --length --documents --samples --temperature --top-k --top-p --min-p "
         "--repetition-penalty --seed --stop --stream -i"),
        ("study", "--data --quick --out --resume"),
        ("study stacked-lstm", "--data --quick --out --resume --num-layers --selections --paper-rates --trials"),
        ("study vanilla-rnn", "--data --quick --out --resume --sigma --cells --optimizers --rates"),
        ("study word-model", "--data --quick --out --resume --weights --min-count --tokenizers"),
    ],
)  # fmt: skip
def test_help_has_the_promised_flags(cli, command, flags):
    words = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", cli(*command.split(), "--help").out)
    assert set(flags.split()) <= set(words)


@pytest.mark.parametrize("command", ["finetune", "compare"])
def test_a_group_of_options_is_headed_by_the_docstring_of_its_class(cli, command):
    out = cli(command, "--help").out
    assert "Reading of files as documents ─" in out
    assert "Division of a corpus into train, validation and test ─" in out
    assert "The machine that trains ─" in out
    assert "The display of a run while it goes on ─" in out
