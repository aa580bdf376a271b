"""Acronyms that papers spell out: which are learned, and that a search for one finds what it stands for."""

from pathlib import Path

import pytest

from paperwright.navigator import Library, Paper
from paperwright.navigator.acronyms import FILE, acronyms_of, spelled_out_in


@pytest.mark.parametrize(
    ("text", "learned"),
    [
        ("Views from Neural Radiance Fields (NeRFs) at night", ("nerf", "neural radiance fields")),
        ("a sparse Mixture-of-Experts (MoE)", ("moe", "mixture-of-experts")),
        ("the Weisfeiler-Lehman (WL) test", ("wl", "weisfeiler-lehman")),
        ("reinforcement learning from human feedback (RLHF)", ("rlhf", "reinforcement learning from human feedback")),
        ("accuracy on ImageNet (IN)", None),
        ("many words that do not fit (XYZ)", None),
        ("as was shown before (See above)", None),
        ("a value (A)", None),
    ],
)
def test_what_a_text_spells_out(text: str, learned: tuple[str, str] | None) -> None:
    assert list(spelled_out_in(text)) == ([learned] if learned else [])


def test_the_commonest_meaning_counts_and_the_house_s_own_stay() -> None:
    texts = ["Knowledge Distillation (KD)", "Kernel Density (KD)", "Kernel Density (KD)", "Random Loss (RL)"]
    papers = [Paper(id=str(number), title=text) for number, text in enumerate(texts)]
    assert acronyms_of(papers) == {"kd": "kernel density"}
    assert acronyms_of([Paper(id="k", title="A title", keywords=("knowledge distillation (kd)",))]) == {
        "kd": "knowledge distillation"
    }


def test_an_acronym_finds_papers_that_spell_it_out_and_new_ones_are_learned(tmp_path: Path) -> None:
    with Library.create(tmp_path / "library") as library:
        library.add(
            [Paper(id="a", title="Neural radiance fields of rooms"), Paper(id="b", title="Kernels (NeRF) of any kind")]
        )
        assert [hit.paper.id for hit in library.search("nerf")] == ["b"]
        library.add([Paper(id="c", title="Neural Radiance Fields (NeRF) at night")])
        page = library.search("nerf")
        assert {hit.paper.id for hit in page} == {"a", "b", "c"}
        assert "NERF is also searched as neural radiance fields" in page.notes
    (file,) = (tmp_path / "library").rglob(FILE)
    file.write_text("{")
    with Library.open(tmp_path / "library") as library:
        assert {hit.paper.id for hit in library.search("nerf")} == {"a", "b", "c"}
