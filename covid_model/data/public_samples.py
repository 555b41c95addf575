"""Twelve public images with open licences, fetched one by one without their whole collections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from covid_model.data.duplicates import NEAR, hash_bits, perceptual_hash
from covid_model.data.fetch import PAUSE, TRIES, Remote, fetch_all
from covid_model.data.sources import Source
from covid_model.data.sources.cohen import COHEN
from covid_model.data.sources.hannover import HANNOVER
from covid_model.errors import DataError, ImageError
from covid_model.images.read import load_image
from covid_model.settings import samples_folder

WINTHER: Final = "Hannover Medical School (Winther et al. 2020), CC BY 3.0"


@dataclass(frozen=True)
class PublicSample:
    """One public image. url: at a fixed commit, so that its bytes cannot change. split: in the manifest that the shipped
    models were trained on. phash: perceptual hash that it must have, up to recompression. credit: licence and author.
    """

    name: str
    url: str
    label: str
    split: str
    phash: str
    credit: str

    @property
    def file(self) -> str:
        """Its file name in the cache."""
        return f"{self.name}{Path(self.url).suffix}"


def _raw(source: Source) -> str:
    """The address below which GitHub serves the files of a source."""
    return source.homepage.replace("https://github.com", "https://raw.githubusercontent.com")


def _hannover(name: str, commit: str, label: str, split: str, phash: str) -> PublicSample:
    url = f"{_raw(HANNOVER)}/{commit}/png/{name}.png"
    return PublicSample(name, url, label, split, phash, WINTHER)


def _cohen(file: str, commit: str, label: str, split: str, phash: str, credit: str = WINTHER) -> PublicSample:
    url = f"{_raw(COHEN)}/{commit}/images/{file}"
    return PublicSample(Path(file).stem, url, label, split, phash, credit)


PUBLIC_SAMPLES: Final = {
    sample.name: sample
    for sample in (
        _hannover(
            "006f3a8a",
            "a9842c3b52767f048d67adf0d85f2c440b9b3d25",
            "COVID-19",
            "test",
            "80153fba9665144a152905b51dc2052e1f56395e1f1c3c72bfe53e85bcb37e87",
        ),
        _hannover(
            "1663b242",
            "fedd705e3cf3704fc7cab34edc2a336ca1601574",
            "COVID-19",
            "test",
            "98106eaa86a11a5e296875b478d64eea7a8e7a4ecf295b3558627ba179847ce3",
        ),
        _hannover(
            "262a70ca",
            "fedd705e3cf3704fc7cab34edc2a336ca1601574",
            "COVID-19",
            "test",
            "c6b93f55d50a45fa45d002e96774666e42aa02bfd2af22d7c2bbe29982ed0693",
        ),
        _hannover(
            "27a70642",
            "a9842c3b52767f048d67adf0d85f2c440b9b3d25",
            "COVID-19",
            "test",
            "810068aa1e2f16f51f6d1ae819f759eb79af69287b2d718c710c735671c66272",
        ),
        _hannover(
            "47e3c811",
            "fedd705e3cf3704fc7cab34edc2a336ca1601574",
            "COVID-19",
            "test",
            "d5552efed37c53206da6649f281b2e3d66be6eef49e549e5498409a489a30989",
        ),
        _cohen(
            "3b46de94.jpg",
            "c0600a0de6ff146761c65b5f0fb3579c7ae86c3d",
            "COVID-19",
            "train",
            "dc4828dfd2b5435052afc3520b68522b4b7f1f2982378f6dae2583f027adb4b6",
        ),
        _cohen(
            "cae2c0a9.jpg",
            "5f471589799b722e86fe4e2d76b3669184fff58e",
            "Normal",
            "train",
            "88177de287c21e8f057d1e92186905755ef318d95b0b5ba9539a4f9c7f886589",
        ),
        _cohen(
            "7afaaccc.jpg",
            "c0600a0de6ff146761c65b5f0fb3579c7ae86c3d",
            "Normal",
            "train",
            "88505dfbc6a116151848056d1ef7105a47690e79185a47fb0b9f11f6c7f74bcf",
        ),
        _cohen(
            "e22aa56f.jpg",
            "d1ff661ad8a8cfcbe9a5234aa36b4eb83e9edaee",
            "Normal",
            "train",
            "b942596ac7b186919e4e186dc77d1e461856027a4e791c5312db02db1ddf38f7",
        ),
        _cohen(
            "00cfd1c1.jpg",
            "c0600a0de6ff146761c65b5f0fb3579c7ae86c3d",
            "Normal",
            "train",
            "98557dea07b15e91135e46291a5e11784f21787d31e94e9539a543964f8f1dd6",
        ),
        _cohen(
            "pneumocystis-pneumonia-1.jpg",
            "386e467855284944229290418a59871a55329442",
            "Pneumonia",
            "val",
            "99117d41c6ff12ab10764fb01af742a54f025a760bef4a5f0b2d4a564f69925d",
            "CC BY",
        ),
        _cohen(
            "X-ray_of_cyst_in_pneumocystis_pneumonia_1.jpg",
            "6ed52481ad19ceb27822639d2cd41a63a0931f00",
            "Pneumonia",
            "train",
            "dc202dde54aa4b48d1811a904b571e379e0a4a4b9f6fc33eb5b0f4ad9164f56d",
            "via Wikimedia Commons, CC BY",
        ),
    )
}
"""By name. The digests of the originals are not known, so each download is compared with a perceptual hash."""

TERMS: Final = (
    "Images of patients of Hannover Medical School (CC BY 3.0) and of two published cases (CC BY). "
    "Name the authors where you show them."
)


def fetched_samples(folder: Path | None = None) -> dict[str, Path]:
    """Name -> file of every public sample that was fetched."""
    folder = folder or samples_folder()
    return {name: folder / sample.file for name, sample in PUBLIC_SAMPLES.items() if (folder / sample.file).is_file()}


def fetch_samples(
    accept: Callable[[str], bool],
    *,
    samples: Sequence[PublicSample] = tuple(PUBLIC_SAMPLES.values()),
    folder: Path | None = None,
    tries: int = TRIES,
    pause: float = PAUSE,
    show: bool = True,
) -> list[Path]:
    """Download what is missing; returns all files. accept: text of the licences -> are they accepted?

    Raises DataError where the licences are not accepted, an address does not answer, or a file is not the expected image
    (such a file is removed).
    """
    if not accept("\n".join([TERMS, *(f"{sample.name}: {sample.credit}, {sample.url}" for sample in samples)])):
        raise DataError("Nothing was fetched: the licences were not accepted.")
    folder = folder or samples_folder()
    remotes = [Remote(sample.url, sample.file) for sample in samples]
    fetch_all(remotes[:1], folder, tries=tries, pause=pause, show=show)  # without a network the first fails, and soon
    files = fetch_all(remotes, folder, tries=tries, pause=pause, show=show)
    for sample, file in zip(samples, files, strict=True):
        _check(sample, file)
    return files


def _check(sample: PublicSample, file: Path) -> None:
    """Remove the file and raise DataError unless it is the image of `sample`."""
    try:
        found = perceptual_hash(load_image(file))
    except ImageError as error:
        file.unlink()
        raise DataError(f"{sample.url} did not send an image: {error}") from error
    first, second = hash_bits([found, sample.phash])
    distance = int(np.bitwise_count(first ^ second).sum())
    if distance > NEAR:
        file.unlink()
        raise DataError(f"{sample.url} sent another image: {distance} of 256 bits differ, {NEAR} would be the same image.")
