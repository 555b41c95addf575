"""Patients with COVID-19 of one hospital; some images are also part of Cohen's collection, under the same names."""

from typing import Final

from covid_model.data.readers import read_listed
from covid_model.data.source import Source, register

HANNOVER: Final = register(
    Source(
        name="covid-19-image-repository",
        title="Hannover Medical School COVID-19 image repository (Winther 2020)",
        homepage="https://github.com/ml-workgroup/covid-19-image-repository",
        licence="CC BY 3.0",
        folders=("covid-19-image-repository", "covid-19-image-repository-master"),
        archives=("https://github.com/ml-workgroup/covid-19-image-repository/archive/refs/heads/master.zip",),
        reader=read_listed,
        tables=("data.csv",),
        images="png",
        columns={"patient": "patient_id", "path": "image_id", "view": "projection", "sex": "sex", "age": "age"},
        defaults={"finding": "COVID-19"},
        labels={"COVID-19": "COVID-19"},
        unique_stems=True,
    )
)
