"""The Dataset page's grid: filters, links, saved queries, opened images and tags."""

import re
from pathlib import Path

from dataset_page import opened
from shown import page_text
from streamlit.testing.v1 import AppTest

from covid_model.data.saved_queries import read_saved_queries
from covid_model.data.sources.kermany import KERMANY
from covid_model.data.tags import read_tags, set_tags
from ui.dataset.filters import params_of, query_of
from ui.manifest import image_key


def test_images_are_shown_counted_and_narrowed_down(manifest: Path) -> None:
    app = opened()
    assert "**30 images** of 30" in page_text(app)
    assert len(app.image) == 24
    app.number_input(key="grid_page").set_value(2).run()
    assert len(app.image) == 6
    box = next(box for box in app.multiselect if box.label == "Label")
    assert box.options == ["COVID-19 (10)", "Normal (10)", "Pneumonia (10)"]
    box.select("Normal").run()
    assert "**10 images** of 30" in page_text(app)
    assert app.query_params["label"] == "Normal"
    assert next(box for box in app.multiselect if box.label == "Source").options == [f"{KERMANY.name} (5)", "elsewhere (5)"]


def test_a_link_opens_its_selection(manifest: Path) -> None:
    app = opened(label="COVID-19|Normal", source="elsewhere", sort="age", down="1")
    assert "**10 images** of 30" in page_text(app)
    ages = [int(age) for age in re.findall(r"(\d+) years", page_text(app))]
    assert ages == sorted(ages, reverse=True)
    assert ages[0] == 67
    assert "**0 images** of 30" in page_text(opened(label="nothing"))
    assert "Remove a filter" in page_text(opened(search="zzz"))


def test_queries_survive_an_address() -> None:
    columns = ("label", "confidence", "correct")
    params = {"label": "a|b", "confidence": "0.2-0.5", "search": "x y", "sort": "age", "down": "1"}
    assert params_of(query_of(params, columns)) == params
    assert params_of(query_of({"label": "a", "confidence": "much", "sort": "; drop"}, ("label",))) == {"label": "a"}


def test_an_image_opens_on_the_explain_page(manifest: Path) -> None:
    app = opened("explain", image=image_key(f"{7:016x}"))
    assert not app.error
    assert app.selectbox(key="image_choice").value == image_key(f"{7:016x}")
    assert "elsewhere · 7.png" in page_text(app) + str(app.selectbox(key="image_choice").options)


def test_a_view_is_kept_and_opens_again(manifest: Path) -> None:
    app = opened(label="Normal")
    app.text_input(key="query_name").set_value("normals").run()
    app.button(key="query_save").click().run()
    assert read_saved_queries(manifest) == {"normals": {"label": "Normal"}}
    assert "normals" in [link.label for link in app.get("page_link")]
    (manifest.with_suffix(".queries.json")).write_text("damaged")
    assert not opened().error


def test_a_link_followed_on_the_page_rules_over_the_widgets(manifest: Path) -> None:
    app = opened(label="Normal", search="zzz")
    assert "Remove a filter" in page_text(app)
    app.query_params.clear()
    app.query_params["source"] = "elsewhere"
    app.run()
    assert "**15 images** of 30" in page_text(app)
    assert next(box for box in app.text_input if box.label.startswith("Search")).value == ""


def test_an_image_is_opened_from_its_thumbnail_and_the_next_one_from_there(manifest: Path) -> None:
    app = opened()
    app.button(key="open_grid_22").click().run()
    assert not app.exception
    assert "23 of 30" in page_text(app)
    assert "22.png" in page_text(app)
    app.button(key="opened_next").click().run()
    app.button(key="opened_next").click().run()
    assert "25 of 30" in page_text(app), "beyond the page of the grid"
    assert "24.png" in page_text(app)
    for _ in range(2):
        app.button(key="opened_previous").click().run()
    assert "23 of 30" in page_text(app)
    assert [row["image"] for row in links(app) if "Explain this" in row["label"]] == [image_key(f"{22:016x}")]
    first = opened()
    first.button(key="open_grid_0").click().run()
    assert first.button(key="opened_previous").disabled


def links(app: AppTest) -> list[dict[str, str]]:
    """Label and image of every link to the Explain page."""
    found = []
    for link in app.get("page_link"):
        query = dict(part.split("=", 1) for part in link.proto.query_string.lstrip("?").split("&") if part)
        found.append({"label": link.proto.label, "image": query.get("image", "")})
    return found


def test_tags_are_set_kept_beside_the_manifest_and_filter(manifest: Path) -> None:
    app = opened()
    app.button(key="open_grid_3").click().run()
    digest = f"{3:016x}" + "0" * 48
    app.multiselect(key=f"tags_{digest[:16]}").set_value(["odd pose"]).run()
    assert not app.exception
    assert read_tags(manifest) == {"odd pose": frozenset({digest})}
    set_tags(manifest, f"{4:016x}" + "0" * 48, ["odd pose", "seen"])
    again = opened()
    box = next(box for box in again.multiselect if box.label == "Tag")
    assert box.options == ["odd pose (2)", "seen (1)"]
    box.select("odd pose").run()
    assert "**2 images** of 30" in page_text(again)
    assert again.query_params["tag"] == "odd pose"
    assert next(box for box in again.multiselect if box.label == "Label").options == ["COVID-19 (1)", "Normal (1)"]
    assert "**1 image** of 30" in page_text(opened(tag="seen"))
    assert params_of(query_of({"tag": "a|b"}, ())) == {"tag": "a|b"}
