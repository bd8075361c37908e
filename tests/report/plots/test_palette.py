from epigone.report.plots.palette import KNOWN, SLOTS, Palette


def test_usual_families_keep_their_colour_and_others_get_their_own() -> None:
    first, second = Palette(), Palette()
    first.slot("LoRA")
    assert [first.slot(name) for name in KNOWN] == [second.slot(name) for name in KNOWN] == [0, 1, 2, 3]
    assert [second.slot("rehearsal"), second.slot("LoRA"), second.slot("rehearsal")] == [4, 5, 4]


def test_rows_without_a_family_share_the_last_slot() -> None:
    palette = Palette()
    others = {palette.slot(f"family {index}") for index in range(20)}
    assert palette.slot("") == len(SLOTS) - 1
    assert palette.slot("") not in others


def luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_usual_colours_are_legible_as_text_on_their_paper() -> None:
    for slot in SLOTS[: len(KNOWN)]:
        assert (luminance("#fefefe") + 0.05) / (luminance(slot.light) + 0.05) >= 4.5
        assert (luminance(slot.dark) + 0.05) / (luminance("#17181c") + 0.05) >= 4.5
