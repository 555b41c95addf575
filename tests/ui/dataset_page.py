"""What the tests of the Dataset page share: a manifest of drawn images, and the page opened on it."""

from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from covid_model.data.sources.kermany import KERMANY
from covid_model.images.phantom import PHANTOMS, phantom_png

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")


def write_manifest(folder: Path) -> Path:
    """The manifest of 30 images in `folder`, in two sources, all of the training split."""
    rows = []
    for number in range(30):
        path = folder / f"{number}.png"
        path.write_bytes(phantom_png(list(PHANTOMS.values())[number % 3]))
        rows.append(
            {
                "path": str(path),
                "source": (KERMANY.name, "elsewhere")[number % 2],
                "patient": f"p{number}",
                "label": ("COVID-19", "Normal", "Pneumonia")[number % 3],
                "split": "train",
                "finding": "",
                "view": "PA",
                "sex": "F",
                "age": 40.0 + number,
                "digest": f"{number:016x}" + "0" * 48,
                "phash": f"{number:064x}",
                "height": 512,
                "width": 512,
                "licence": "CC BY 4.0",
                "link": "",
            }
        )
    pd.DataFrame(rows).to_parquet(folder / "images.parquet")
    return folder / "images.parquet"


def opened(page: str = "dataset", **query: str) -> AppTest:
    app = AppTest.from_file(ENTRY, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page != "explain":
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    return app
