"""Children with and without pneumonia; the patient is in the file's name: person101_virus_187, NORMAL2-IM-0115-0001."""

from typing import Final

from covid_model.data.readers import read_classes
from covid_model.data.source import Source, register

KERMANY: Final = register(
    Source(
        name="chest_xray",
        title="Pediatric pneumonia, children aged 1 to 5 (Kermany 2018)",
        homepage="https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia",
        licence="CC BY 4.0",
        folders=("chest_xray",),
        by_hand="Sign in at Kaggle, download the data set from its homepage, and unpack it so that the folder "
        "chest_xray with train, val and test is in your data folder.",
        reader=read_classes,
        labels={"NORMAL": "Normal", "PNEUMONIA": "Pneumonia"},
        patient_pattern=r"^(person\d+)_|(IM-\d+)-",
        defaults={"view": "AP"},
        children=True,
    )
)
