"""The tour, and the way to real images, driven through AppTest."""

from pathlib import Path

import pytest
from shown import page_text, viewer
from streamlit.testing.v1 import AppTest

import covid_model.data.public_samples as public
from covid_model.build.tour_search import SHOWS, find_tour
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.errors import DataError
from covid_model.models.specs import SHIPPED
from covid_model.settings import SAMPLES
from covid_model.share.tour import STOPS, TourExample, read_tour
from ui.available_images import available_images
from ui.compare.views import VERDICTS

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")


def example(**changes: object) -> TourExample:
    known = {"image": "a", "label": "COVID-19", "model": "m", "method": "gradcam", "predicted": "COVID-19"}
    numbers = {"probability": 0.9, "share": 0.8, "chance": 0.4, "verdict": "supported", "why": "All passed.", "failed": ()}
    return TourExample(**{**known, **numbers, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "shows"),
    [
        (example(), ["right"]),
        (example(verdict="not supported", failed=("region_ablation",)), ["wrong reason"]),
        (example(verdict="not supported", failed=("survival", "stability")), ["wrong reason"]),
        (example(predicted="Normal"), ["wrong"]),
        (example(verdict="not supported", failed=("faithfulness",)), []),
        (example(predicted="Normal", verdict="not supported"), ["wrong"]),
        (example(verdict="withheld"), []),
    ],
)
def test_each_stop_wants_its_own_kind_of_example(found: TourExample, shows: list[str]) -> None:
    assert [key for key, shows_it in SHOWS.items() if shows_it(found)] == shows


def test_the_first_example_that_shows_a_stop_is_taken_and_no_image_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = example(verdict="not supported", failed=("region_ablation",))
    predictions = iter([example(image="x"), example(image="y"), example(image="z", predicted="Normal"), None, doubtful])
    samples = [sample for sample in shipped_samples().values() if sample.label != "Normal"][:5]
    asked = iter(samples)
    monkeypatch.setattr("covid_model.build.tour_search.examine", lambda *_: _named(next(predictions), next(asked).name))
    tour = find_tour([None], samples)  # type: ignore[list-item]
    assert {key: found.image for key, found in tour.items()} == {
        "right": samples[0].name,
        "wrong reason": samples[4].name,
        "wrong": samples[2].name,
    }
    monkeypatch.setattr("covid_model.build.tour_search.examine", lambda *_: None)
    with pytest.raises(DataError, match="No image shows right, wrong reason, wrong"):
        find_tour([None], samples)  # type: ignore[list-item]


def _named(found: TourExample | None, image: str) -> TourExample | None:
    return None if found is None else TourExample(**{**vars(found), "image": image})


def test_the_shipped_tour_shows_its_three_stops_with_images_and_models_that_ship() -> None:
    tour, day = read_tour()
    assert list(tour) == list(STOPS)
    assert len({found.image for found in tour.values()}) == len(STOPS)
    for key, found in tour.items():
        assert SHOWS[key](found)
        assert found.model in SHIPPED
        assert found.image in shipped_samples()
    app = AppTest.from_file(ENTRY, default_timeout=60).run()
    app.switch_page("pages/tour.py").run()
    assert not app.exception
    assert [title.value.split(". ", 1)[1] for title in app.subheader] == [stop.title for stop in STOPS.values()]
    assert day in " ".join(caption.value for caption in app.caption)
    assert len(app.image) == 2 * len(STOPS), "each card has the image and its heatmap"
    badges = [text.value for text in app.markdown if "-badge[" in text.value]
    chips = [VERDICTS[found.verdict] for found in tour.values()]
    assert badges == [f":{colour}-badge[{icon} {word}]" for word, icon, colour in chips]
    assert sum("A synthetic image that shows no patient" in caption.value for caption in app.caption) == 3


def test_a_click_on_a_heatmap_opens_image_and_heatmap_in_the_viewer_and_none_is_sent_before() -> None:
    tour, _ = read_tour()
    app = AppTest.from_file(ENTRY, default_timeout=60).run()
    app.switch_page("pages/tour.py").run()
    assert "In the session" not in page_text(app), "the docstring of a constant is no text of the page"
    assert not app.get("bidi_component")
    for key, found in tour.items():
        app.button(key=f"open_tour_{key}").click().run()
        assert not app.exception
        image, heatmap = viewer(app)["panels"]
        assert (image["title"], image["map"]) == ("Image", None)
        assert heatmap["title"] == f"What raised the {found.predicted} score"
        assert heatmap["map"]["key"].startswith(f"{found.method}/{found.predicted}".replace(" ", "_"))


def test_real_images_are_fetched_after_a_click_and_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SAMPLES.variable, str(tmp_path))
    available_images.clear()
    app = AppTest.from_file(ENTRY, default_timeout=60).run()
    assert any("CC BY 3.0" in str(text.value) for text in app.markdown)

    def fail(*_: object, **__: object) -> list[Path]:
        raise DataError("The address does not answer.")

    monkeypatch.setattr("ui.explain.get_images.fetch_samples", fail)
    app.button(key="fetch_images").click().run()
    assert not app.exception
    assert "No images were downloaded. The address does not answer. The synthetic images work" in app.error[0].value

    def send(*_: object, **__: object) -> list[Path]:
        content = next(iter(shipped_samples().values())).path.read_bytes()
        for sample in public.PUBLIC_SAMPLES.values():
            (tmp_path / sample.file).write_bytes(content)
        return []

    monkeypatch.setattr("ui.explain.get_images.fetch_samples", send)
    app.button(key="fetch_images").click().run()
    assert not app.exception
    name = next(iter(public.PUBLIC_SAMPLES))
    app.selectbox(key="image_choice").set_value(f"open-{name}").run()
    assert not app.exception
    assert any("Hannover Medical School" in caption.value for caption in app.caption)
    assert "fetch_images" not in [button.key for button in app.button], "nothing is left to fetch"
    available_images.clear()
