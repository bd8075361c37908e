"""Prepare the training and validation text of the base, filtered and encoded as ASCII.

    python prepare.py CORPORA DATA

CORPORA holds near_songs, near_verse, far_prose, speeches, news_wikinews, targets and benchmarks.
"""

import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from epigone.text.tokenizers.characters import AsciiTokenizer

CORPORA, OUT = Path(sys.argv[1]), Path(sys.argv[2])
END = 3
# Of differing periods and styles, and little known, so that the anthologies of near_songs hold none of their other poems.
HELD = ["anne-bradstreet", "anna-seward", "francis-william-lauderdale-adams", "clara-doty-bates", "james-mcintyre",
        "thomas-william-hodgson-crosland"]
VERSE, PROSE = ["near_songs", "near_verse"], ["far_prose", "speeches", "news_wikinews"]
CHUNK = 20_000
tokenizer = AsciiTokenizer()
assert tokenizer.end == END
ONLY_LETTERS = re.compile(r"[^a-z]+")


def letters(line):
    return ONLY_LETTERS.sub("", line.lower())


def lines_of(text, least=15):
    return [n for n in map(letters, text.split("\n")) if len(n) >= least]


def documents(path):
    text = tokenizer.normalise(path.read_text(encoding="utf-8"))
    return [d for d in (part.strip("\n") for part in re.split(r"(?m)^===[ \t]*$", text)) if d.strip()]


def without_title(text):
    """The document without its leading lines in capitals (no lower-case letter), and how many those were."""
    lines = text.split("\n")
    i = count = 0
    while i < len(lines) and not re.search("[a-z]", lines[i]):
        count += bool(lines[i].strip())
        i += 1
    return "\n".join(lines[i:]), count


report = {"sources": {}, "held_out_authors": {}}
# What must not be trained on.
forbidden = set()
for author in HELD:
    docs = documents(CORPORA / "near_verse" / f"{author}.txt")
    report["held_out_authors"][author] = {"documents": len(docs), "characters": sum(map(len, docs))}
    for d in docs:
        forbidden.update(lines_of(d))
for target in ["moore_melodies", "dickinson", "lear_limericks"]:
    for path in (CORPORA / "targets" / target).rglob("*.txt"):
        for d in documents(path):
            forbidden.update(lines_of(d))
shakespeare = set(lines_of(tokenizer.normalise((CORPORA / "benchmarks/tinyshakespeare/input.txt").read_text()), 20))
by_prefix = {}
for n in shakespeare:
    by_prefix.setdefault(n[:20], []).append(n)


def quotes_shakespeare(text):
    n = letters(text)
    for i in range(len(n) - 19):
        if (found := by_prefix.get(n[i : i + 20])) and any(n.startswith(f, i) for f in found):
            return True
    return False


seen_hash, seen_lines = set(), set()
kept = {}
for source in VERSE + PROSE:
    count, kept[source] = Counter(), []
    for path in sorted((CORPORA / source).glob("*.txt")):
        if path.stem in HELD and source == "near_verse":
            continue
        for text in documents(path):
            count["documents_read"] += 1
            count["characters_read"] += len(text)
            text, titles = without_title(text)
            if titles:
                count["documents_with_title_stripped"] += 1
                count["title_lines_stripped"] += titles
            text = text.strip("\n")
            if len(letters(text)) < 20:
                count["dropped_nearly_empty"] += 1
                continue
            lines = lines_of(text)
            if lines and sum(n in forbidden for n in lines) >= 0.2 * len(lines):
                count["dropped_overlaps_held_out_or_target"] += 1
                count["characters_dropped_overlap"] += len(text)
                continue
            if source in VERSE:
                if any(n in shakespeare for n in lines if len(n) >= 20):
                    count["dropped_tinyshakespeare"] += 1
                    count["characters_dropped_tinyshakespeare"] += len(text)
                    continue
            else:
                paragraphs = re.split(r"(\n\n+)", text)
                parts = []
                for i in range(0, len(paragraphs), 2):
                    if quotes_shakespeare(paragraphs[i]):
                        count["paragraphs_dropped_tinyshakespeare"] += 1
                        count["characters_dropped_tinyshakespeare"] += len(paragraphs[i])
                        continue
                    parts.append(paragraphs[i])
                text = "\n\n".join(parts)
                lines = lines_of(text)
            digest = hashlib.sha256(letters(text).encode()).digest()
            if digest in seen_hash:
                count["dropped_exact_duplicate"] += 1
                count["characters_dropped_duplicate"] += len(text)
                continue
            if lines and sum(n in seen_lines for n in lines) >= 0.6 * len(lines):
                count["dropped_near_duplicate"] += 1
                count["characters_dropped_duplicate"] += len(text)
                continue
            seen_hash.add(digest)
            seen_lines.update(lines)
            kept[source].append((path.stem, text.rstrip()))  # as the product reads documents
            count["documents_kept"] += 1
            count["characters_kept"] += len(kept[source][-1][1])
    report["sources"][source] = dict(count)
    print(source, dict(count), flush=True)


def chunks(text):
    """The text cut at paragraph ends into about equal parts of about CHUNK characters."""
    number = max(1, round(len(text) / CHUNK))
    aim, parts, start = len(text) / number, [], 0
    for i in range(1, number):
        at = text.find("\n\n", max(start, int(i * aim)))
        if at < 0:
            break
        parts.append(text[start : at + 2])
        start = at + 2
    return [*parts, text[start:]] if start < len(text) else parts


rng = np.random.default_rng(0)
arrays, valid = {}, {}
for split, sources in (("verse", VERSE), ("prose", PROSE)):
    units, held = [], []
    for source in sources:
        own = []
        for name, text in kept[source]:
            parts = [text] if split == "verse" else chunks(text)
            assert "".join(parts) == text
            own += [(p, i == len(parts) - 1) for i, p in enumerate(parts)]
        chosen = set(rng.permutation(len(own))[: max(2, round(0.005 * len(own)))].tolist())
        held += [u for i, u in enumerate(own) if i in chosen]
        units += [u for i, u in enumerate(own) if i not in chosen]
        report["sources"][source] |= {"units_after_cutting": len(own), "validation_units": len(chosen),
                                      "validation_characters": sum(len(own[i][0]) for i in chosen)}
    for name, part in ((split, units), (f"valid_{split}", held)):
        encoded = [
                   np.append(tokenizer.encode(t), [END] * end).astype(np.uint8) for t, end in part]
        arrays[name] = np.concatenate(encoded)
        arrays[f"{name}_lengths"] = np.array([len(e) for e in encoded], np.int64)
        assert not (np.concatenate([tokenizer.encode(t) for t, _ in part]) == END).any()
        report[f"total_{name}"] = {"units": len(part), "tokens": int(len(arrays[name])),
                                   "end_symbols": int((arrays[name] == END).sum())}
    seen = Counter(t.split("\n")[0].strip() == t.split("\n")[0].strip().upper() for t, _ in units)
    report[f"total_{split}"]["first_lines_without_lower_case_left"] = seen[True]
# How much of the validation verse stands in the training verse, line by line?
train_lines = set()
for source in VERSE:
    for _, t in kept[source]:
        pass
text = arrays["verse"].tobytes().decode().replace("\x03", "\n")
train_lines = set(lines_of(text))
val = lines_of(arrays["valid_verse"].tobytes().decode().replace("\x03", "\n"))
report["validation_verse_lines_also_in_training"] = sum(n in train_lines for n in val) / len(val)
report["training_verse_lines_of_held_out_or_targets"] = len(train_lines & forbidden)
report["training_verse_lines_of_tinyshakespeare"] = len(train_lines & shakespeare)
np.savez_compressed(OUT / "text.npz", **arrays)
report["file_bytes"] = (OUT / "text.npz").stat().st_size
(OUT / "report.json").write_text(json.dumps(report, indent=1))
held = "".join(f"{a}\t{v['documents']} documents\t{v['characters']} characters\n" for a, v in report["held_out_authors"].items())
(OUT.parent / "held_out_authors.txt").write_text(held)
print(json.dumps({k: v for k, v in report.items() if k != "sources"}, indent=1)[:6000])
