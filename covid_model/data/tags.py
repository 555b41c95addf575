"""Tags that a user sets on images, in a file beside the manifest: tag -> digests of images."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from covid_model.data.beside import beside, change_beside, read_beside
from covid_model.data.filters import Query
from covid_model.errors import DataError

LONGEST: Final = 40

Tags = dict[str, frozenset[str]]


def tags_path(manifest: Path) -> Path:
    """The file of a manifest's tags."""
    return beside(manifest, "tags.json")


def read_tags(manifest: Path) -> Tags:
    """Tag -> digests of its images, in the order of the alphabet; empty where there are none or the file is damaged."""
    return _cleaned(read_beside(tags_path(manifest)))


def set_tags(manifest: Path, digest: str, tags: Iterable[str]) -> None:
    """Give an image exactly these tags. Others can write at the same time: only this image's tags change.

    Raises DataError for a tag of no or more than LONGEST characters and where the file cannot be written, HostError on a
    public copy.
    """
    wanted = {" ".join(tag.split()) for tag in tags}
    if wrong := [tag for tag in wanted if not 0 < len(tag) <= LONGEST]:
        raise DataError(f"A tag has 1 to {LONGEST} characters. Received: {wrong[0]!r}.")

    def change(found: dict[str, Any]) -> dict[str, Any]:
        kept = {tag: digests - {digest} for tag, digests in _cleaned(found).items()}
        for tag in wanted:
            kept[tag] = kept.get(tag, frozenset()) | {digest}
        return {tag: sorted(digests) for tag, digests in sorted(kept.items()) if digests}

    change_beside(tags_path(manifest), change, "Setting a tag")


def with_tags(query: Query, manifest: Path) -> Query:
    """The query with its tags as digests, within the digests that it has already."""
    if not query.tags:
        return query
    tags = read_tags(manifest)
    tagged = frozenset().union(*(tags.get(tag, frozenset()) for tag in query.tags))
    if query.digests is not None:
        tagged &= set(query.digests)
    return replace(query, digests=tuple(sorted(tagged)), tags=())


def _cleaned(found: dict[str, Any]) -> Tags:
    return {
        tag: frozenset(map(str, digests)) for tag, digests in sorted(found.items()) if isinstance(digests, list) and digests
    }
