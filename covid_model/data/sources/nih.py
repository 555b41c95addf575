"""ChestX-ray14 of the NIH Clinical Center: adults, findings mined from the reports."""

from typing import Final

from covid_model.data.annotations import rsna_labels
from covid_model.data.readers import read_listed
from covid_model.data.source import Source, register

NIH: Final = register(
    Source(
        name="nih-chestxray14",
        title="NIH ChestX-ray14 (Wang 2017)",
        homepage="https://nihcc.app.box.com/v/ChestXray-NIHCC",
        licence="unrestricted, cite the NIH Clinical Center",
        folders=("NIH-ChestXray14", "ChestX-ray14", "nih-chestxray14"),
        by_hand="Its 42 GB come in twelve parts: open its homepage, download images_001.tar.gz to images_012.tar.gz "
        "and Data_Entry_2017_v2020.csv, and unpack all of it into a folder ChestX-ray14 in your data folder.",
        reader=read_listed,
        second_reads=rsna_labels,
        tables=("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv"),
        columns={
            "path": "Image Index",
            "finding": "Finding Labels",
            "patient": "Patient ID",
            "view": "View Position",
            "sex": ("Patient Sex", "Patient Gender"),
            "age": "Patient Age",
        },
        labels={"Pneumonia": "Pneumonia", "No Finding": "Normal"},
    )
)
