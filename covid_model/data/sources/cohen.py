"""The first public collection of COVID-19 images, gathered from publications."""

from typing import Final

from covid_model.data.readers import read_listed
from covid_model.data.source import Source, register

COHEN: Final = register(
    Source(
        name="covid-chestxray-dataset",
        title="COVID-19 image data collection (Cohen 2020)",
        homepage="https://github.com/ieee8023/covid-chestxray-dataset",
        licence="per image; many non-commercial or not stated: do not redistribute",
        folders=("covid-chestxray-dataset", "covid-chestxray-dataset-master"),
        archives=("https://github.com/ieee8023/covid-chestxray-dataset/archive/refs/heads/master.zip",),
        reader=read_listed,
        tables=("metadata.csv",),
        images="images",
        only={"modality": "X-ray"},
        columns={
            "patient": "patientid",
            "finding": "finding",
            "view": "view",
            "path": "filename",
            "sex": "sex",
            "age": "age",
            "licence": "license",
            "link": "url",
        },
        defaults={"licence": "not stated"},
        controls=True,
        lung_masks="annotations/v7-lung-masks",
        labels={
            "COVID-19": "COVID-19",
            "COVID-19, ARDS": "COVID-19",
            "No Finding": "Normal",
            **dict.fromkeys(
                (
                    *("Pneumonia", "Bacterial", "Viral", "Fungal", "SARS", "MERS-CoV", "Influenza", "H1N1", "Varicella"),
                    *("Herpes", "Streptococcus", "Staphylococcus", "MRSA", "Klebsiella", "Legionella", "Mycoplasma"),
                    *("Chlamydophila", "E.Coli", "Nocardia", "Pneumocystis", "Aspergillosis", "Aspiration", "Lipoid"),
                ),
                "Pneumonia",
            ),
        },
    )
)
"""ARDS without a cause, tuberculosis, `todo` and `Unknown` have no label. Later versions of the table write a path
("Pneumonia/Viral/COVID-19")."""
