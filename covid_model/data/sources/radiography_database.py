"""The COVID-19 Radiography Database: one folder a class, each with images and lung masks; patients are not known."""

from covid_model.data.readers import read_classes
from covid_model.data.source import Source, register

register(
    Source(
        name="covid-19-radiography-database",
        title="COVID-19 Radiography Database (Chowdhury 2020, Rahman 2021)",
        homepage="https://www.kaggle.com/datasets/tawsifurrahman/covid19-radiography-database",
        licence="of the sources it was compiled from; not for redistribution",
        folders=("COVID-19_Radiography_Dataset", "COVID-19_Radiography_Database", "COVID-19 Radiography Database"),
        by_hand="Sign in at Kaggle, download the data set from its homepage, and unpack it so that the folder "
        "COVID-19_Radiography_Dataset with COVID, Normal and Viral Pneumonia is in your data folder.",
        reader=read_classes,
        labels={"COVID": "COVID-19", "Viral Pneumonia": "Pneumonia", "Normal": "Normal"},
        defaults={"view": "Frontal"},
    )
)
"""Lung_Opacity has no label: an opacity has other causes than an infection."""
