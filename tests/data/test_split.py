from collections import Counter

import numpy as np

from covid_model.data.duplicates import joined_groups, near_pairs
from covid_model.data.split import SPLITS, split_by_group


def test_no_group_is_cut_and_every_stratum_keeps_the_shares() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), rng.integers(1, 5, 400))
    strata = np.array(["a", "b", "c", "d"])[groups % 4]
    splits = np.array(split_by_group(groups.tolist(), strata.tolist(), seed=1))
    for group in np.unique(groups):
        assert len(set(splits[groups == group])) == 1
    for stratum in "abcd":
        inside = splits[strata == stratum]
        for name, share in SPLITS.items():
            assert abs((inside == name).mean() - share) < 0.02


def test_the_split_does_not_depend_on_the_order_of_images() -> None:
    groups = [f"p{i // 2}" for i in range(60)]
    strata = ["x"] * 60
    first = dict(zip(groups, split_by_group(groups, strata, 5), strict=True))
    assert dict(zip(groups[::-1], split_by_group(groups[::-1], strata, 5), strict=True)) == first
    assert Counter(first.values()) == {"train": 21, "val": 3, "test": 6}


def test_groups_whose_split_is_known_keep_it_and_fill_it() -> None:
    kept = {f"p{number}": "test" for number in range(20)}
    found = split_by_group([f"p{number}" for number in range(100)], ["x"] * 100, 5, kept)
    assert found[:20] == ["test"] * 20
    assert Counter(found) == {"train": 70, "val": 10, "test": 20}


def test_near_pairs_are_all_and_only_those_within_the_limit_across_blocks() -> None:
    zero, three, far = "0" * 64, "7" + "0" * 63, "f" * 64
    hashes = [zero, far, three, zero]
    found = near_pairs(hashes, limit=3, block=2).tolist()
    assert sorted(found) == [[0, 2, 3], [0, 3, 0], [2, 3, 3]]


def test_groups_join_through_chains() -> None:
    assert joined_groups(5, [(0, 1), (1, 2)]).tolist() == [0, 0, 0, 1, 2]
