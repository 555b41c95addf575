"""What decoding in a worker process costs, beside decoding the same bytes in this process.

    python -m benchmarks.reader [--repeat 20] [--out benchmarks/results/reader.json]

Images of 2,000 x 2,000 pixels; the two ways take turns in one run, and the worker is warm. The difference is the price
of the isolation: the bytes go there, the float32 pixels come back.
"""

import argparse
import json
import os
import platform
import statistics
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from covid_model.files import write_json
from covid_model.images.decode import decode
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.images.read import read_image

SIDE: Final = 2000
MOST_MS: Final = 30.0


def files() -> dict[str, bytes]:
    """The drawn chest X-ray as a PNG, a JPEG and an uncompressed 12-bit DICOM file."""
    drawn = cv2.resize(draw_phantom(next(iter(PHANTOMS.values()))), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    found = {"dicom": dicom(drawn.astype(np.uint16) * 16)}
    for kind in ("PNG", "JPEG"):
        stream = BytesIO()
        Image.fromarray(drawn).save(stream, kind)
        found[kind.lower()] = stream.getvalue()
    return found


def dicom(pixels: np.ndarray) -> bytes:
    """(H, W) values below 4096 as an uncompressed DICOM file."""
    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = ComputedRadiographyImageStorage
    item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = generate_uid()
    item.Modality, item.PhotometricInterpretation, item.SamplesPerPixel = "CR", "MONOCHROME2", 1
    item.Rows, item.Columns = pixels.shape
    item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 12, 11, 0
    item.PixelData = pixels.astype("<u2").tobytes()
    stream = BytesIO()
    item.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def measure(data: bytes, repeat: int) -> dict[str, dict[str, float]]:
    """Milliseconds of both ways and their difference: the median, and the fastest, which other processes disturb least."""
    ways = {"in this process": decode, "in the worker": read_image}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeat + 2):
        for name, read in ways.items():
            start = time.perf_counter()
            read(data)
            if turn >= 2:
                times[name].append((time.perf_counter() - start) * 1000)
    found = {}
    for title, statistic in (("fastest", min), ("median", statistics.median)):
        row = {name: round(float(statistic(values)), 1) for name, values in times.items()}
        found[title] = {**row, "overhead": round(row["in the worker"] - row["in this process"], 1)}
    return found


def main() -> int:
    """Measure, print, write; 1 when the isolation costs more than it may."""
    parser = argparse.ArgumentParser(description="what decoding in a worker process costs")
    parser.add_argument("--repeat", type=int, default=20, help="turns of each way, default: %(default)s")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    start = time.perf_counter()
    samples = files()
    first = time.perf_counter()
    read_image(samples["jpeg"])
    cold = time.perf_counter() - first
    report: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "python": platform.python_version(),
        "pixels": [SIDE, SIDE],
        "repeat": arguments.repeat,
        "first image with the start of the worker, s": round(cold, 2),
        "ms": {name: measure(data, arguments.repeat) for name, data in samples.items()},
        "allowed overhead, ms": MOST_MS,
        "other processes waiting (load average)": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "seconds": 0.0,
    }
    report["seconds"] = round(time.perf_counter() - start, 1)
    print(json.dumps(report, indent=1))
    if arguments.out:
        write_json(arguments.out, report)
    return int(max(row["fastest"]["overhead"] for row in report["ms"].values()) > MOST_MS)


if __name__ == "__main__":
    raise SystemExit(main())
