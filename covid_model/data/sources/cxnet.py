"""COVID-CXNet: frontal images of COVID-19 gathered from many hospitals and the web."""

from covid_model.data.readers import read_listed
from covid_model.data.source import Source, register

register(
    Source(
        name="covid-cxnet",
        title="COVID-CXNet, frontal images of COVID-19 (Haghanifar 2020)",
        homepage="https://github.com/armiro/COVID-CXNet",
        licence="stated CC BY 4.0, but gathered from the web: do not redistribute",
        folders=("COVID-CXNet", "COVID-CXNet-master"),
        archives=("https://github.com/armiro/COVID-CXNet/archive/refs/heads/master.zip",),
        reader=read_listed,
        tables=("metadata.csv",),
        images="chest_xray_images/covid19",
        columns={"path": "filename", "patient": "patient_id", "finding": "label", "link": "url"}
        | {name: name for name in ("view", "sex", "age")},
        defaults={"view": "Frontal"},
        labels={"COVID-19": "COVID-19"},
    )
)
