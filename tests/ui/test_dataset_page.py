"""The Dataset page on a manifest of drawn images, without one, and with one that breaks."""

import json
import re
import time
from pathlib import Path

import pandas as pd
import pytest
from shown import page_text
from streamlit.testing.v1 import AppTest

from covid_model.data.leave_out import listed_images
from covid_model.data.saved_queries import read_saved_queries
from covid_model.data.sources.kermany import KERMANY
from covid_model.data.tags import read_tags, set_tags
from covid_model.images.phantom import PHANTOMS, Phantom, phantom_png
from covid_model.jobs import find_job
from ui.dataset.filters import params_of, query_of
from ui.manifest import image_key

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = []
    for number in range(30):
        path = tmp_path / f"{number}.png"
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
    pd.DataFrame(rows).to_parquet(tmp_path / "images.parquet")
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "images.parquet"))
    monkeypatch.setenv("COVID_XRAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "images.parquet"


def opened(page: str = "dataset", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page != "explain":
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    return app


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


def test_what_gives_labels_away_and_what_is_wrong(manifest: Path) -> None:
    assert f"all 15 images of {KERMANY.name} show children, 5 of them with COVID-19" in page_text(opened(view="Understand"))
    assert "The map needs" in page_text(opened(view="Map"))
    assert "CC BY 4.0" in page_text(opened())
    assert "Near-duplicates" in str([frame.value.to_dict() for frame in opened(view="Quality").dataframe])


def test_a_list_of_the_quality_checks_opens_in_the_grid_until_lifted(manifest: Path) -> None:
    app = opened()
    app.session_state["view"] = "Quality"
    app.run()
    app.selectbox(key="check").set_value("near").run()
    button = next(button for button in app.button if (button.key or "").startswith("narrow_"))
    assert button.label == "Browse these 30"
    button.click().run()
    assert not app.exception
    assert app.session_state["view"] == "Browse"
    assert "**30 images** of 30" in page_text(app)
    app.multiselect[0].select("elsewhere").run()
    assert "**15 images** of 30" in page_text(app), "filters narrow further"
    app.button(key="narrow_lift").click().run()
    assert "narrow_lift" not in [button.key for button in app.button]


def test_without_a_manifest_the_public_sources_are_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "none.parquet"))
    app = opened()
    assert not app.error
    assert "No manifest at" in page_text(app)
    assert "show children" in page_text(app)


@pytest.mark.parametrize("content", [b"PAR1 damaged PAR1", b""])
def test_a_damaged_manifest_is_one_sentence_and_the_rest_goes_on(manifest: Path, content: bytes) -> None:
    manifest.write_bytes(content)
    assert "cannot be read as a manifest" in page_text(opened())


def test_a_manifest_deleted_or_replaced_while_open_is_one_sentence(manifest: Path) -> None:
    app = opened(view="Browse")
    assert "**30 images** of 30" in page_text(app)
    whole = pd.read_parquet(manifest)
    manifest.unlink()
    app.run()
    assert not app.exception
    assert "No manifest at" in page_text(app)
    whole.iloc[:7].to_parquet(manifest)
    app.run()
    assert not app.exception
    assert "**7 images** of 7" in page_text(app)
    manifest.write_bytes(b"PAR1 cut")
    app.run()
    assert not app.exception
    assert "cannot be read as a manifest; build it again" in page_text(app)


def test_a_source_folder_that_vanished_is_reported_image_by_image(manifest: Path) -> None:
    for path in manifest.parent.glob("*.png"):
        path.unlink()
    app = opened()
    assert "**30 images** of 30" in page_text(app)
    assert len(app.warning) == 24
    assert "to fix" in str([frame.value.to_dict() for frame in opened(view="Quality").dataframe])


def test_a_view_is_kept_and_opens_again(manifest: Path) -> None:
    app = opened(label="Normal")
    app.text_input(key="query_name").set_value("normals").run()
    app.button(key="query_save").click().run()
    assert read_saved_queries(manifest) == {"normals": {"label": "Normal"}}
    assert "normals" in [link.label for link in app.get("page_link")]
    (manifest.with_suffix(".queries.json")).write_text("damaged")
    assert not opened().error


def test_own_images_become_the_manifest_on_show(manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("covid", "sick", "knees")):
        for copy in range(3):
            path = tmp_path / "mine" / name / f"{copy}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(phantom_png(Phantom("x", 3 * number + copy, ())))
    app = opened(view="Get images")
    assert "Do not redistribute" in page_text(app)
    app.text_input(key="own_place").set_value(str(tmp_path / "mine")).run()
    means = {box.label: box for box in app.selectbox if "means" in box.label}
    assert {label: box.value for label, box in means.items()} == {
        "“covid” means": "COVID-19",
        "“knees” means": "(none)",
        "“sick” means": "(none)",
    }
    means["“sick” means"].select("Pneumonia").run()
    app.button(key="own_build").click().run()
    assert not app.exception
    assert len(pd.read_parquet(tmp_path / "own.parquet")) == 6
    assert app.text_input(key="manifest_path").value == str(tmp_path / "own.parquet")
    assert any("left out by label, own: knees 3" in text.value for text in app.text), (
        "what was left out is counted on the page"
    )
    app.text_input(key="own_place").set_value(str(tmp_path / "nowhere")).run()
    assert "is not a folder" in page_text(app)


def test_a_table_of_own_images_is_matched_by_its_columns(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("file,dx\n0.png,covid\n1.png,healthy\n2.png,healthy\n")
    app = opened(view="Get images")
    app.get("button_group")[0].select("a CSV table").run()
    app.text_input(key="own_place").set_value(str(tmp_path / "list.csv")).run()
    app.selectbox(key="own_column_path").select("file").run()
    app.selectbox(key="own_column_label").select("dx").run()
    app.button(key="own_build").click().run()
    assert not app.exception
    assert sorted(pd.read_parquet(tmp_path / "own.parquet")["label"]) == ["COVID-19", "Normal", "Normal"]


def test_on_a_shared_host_nothing_is_read_from_its_disk(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_PUBLIC", "1")
    app = opened(view="Get images")
    assert "Images cannot be added" in page_text(app)
    assert "manifest_path" not in [box.key for box in app.text_input]


def test_a_link_followed_on_the_page_rules_over_the_widgets(manifest: Path) -> None:
    app = opened(label="Normal", search="zzz")
    assert "Remove a filter" in page_text(app)
    app.query_params.clear()
    app.query_params["source"] = "elsewhere"
    app.run()
    assert "**15 images** of 30" in page_text(app)
    assert next(box for box in app.text_input if box.label.startswith("Search")).value == ""


def test_a_manifest_chosen_on_the_page_is_known_on_the_others(manifest: Path, tmp_path: Path) -> None:
    pd.read_parquet(manifest).head(3).assign(digest="abc" + "1" * 61).to_parquet(tmp_path / "other.parquet")
    app = opened()
    app.text_input(key="manifest_path").set_value(str(tmp_path / "other.parquet")).run()
    assert "**3 images** of 3" in page_text(app)
    app.query_params.clear()
    app.query_params["image"] = image_key("abc" + "1" * 61)
    app.switch_page("pages/explain.py").run()
    assert not app.exception
    assert app.selectbox(key="image_choice").value == image_key("abc" + "1" * 61)


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


def test_a_finding_offers_its_list_and_leaves_images_out_of_the_next_manifest(manifest: Path) -> None:
    app = opened(view="Quality")
    app.selectbox(key="check").set_value("near").run()
    assert app.get("download_button")
    left = next(button for button in app.button if button.key == "leave_out")
    left.click().run()
    assert not app.exception
    count = len(listed_images(manifest))
    assert 0 < count < 30, "one of each group of copies stays"
    assert f"**{count} images are to be left out.**" in page_text(app)
    assert "--leave-out" in str([code.value for code in app.code])
    assert "leave_out" not in [button.key for button in app.button], "all of it is listed"
    app.button(key="leave_out_clear").click().run()
    assert listed_images(manifest) == {}


def test_a_public_copy_shows_images_and_findings_and_writes_nothing(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_tags(manifest, f"{0:016x}" + "0" * 48, ["seen"])
    before = {path.name for path in manifest.parent.iterdir()} - {"cache"}
    monkeypatch.setenv("COVID_XRAY_PUBLIC", "1")
    app = opened(view="Quality")
    app.selectbox(key="check").set_value("near").run()
    assert not {"leave_out", "measure", "demo_draw"} & {button.key for button in app.button}
    app = opened()
    app.button(key="open_grid_0").click().run()
    assert "Tags: seen" in " ".join(caption.value for caption in app.caption)
    assert not [box for box in app.multiselect if box.label == "Tags"]
    assert {path.name for path in manifest.parent.iterdir()} - {"cache"} == before


def test_bars_are_shares_with_one_legend(manifest: Path) -> None:
    app = opened(view="Understand")
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    legends = [chart for chart in charts if any(trace.get("showlegend") for trace in chart["data"])]
    assert len(legends) == 1
    assert [trace["name"] for trace in legends[0]["data"]] == ["COVID-19", "Pneumonia", "Normal"]
    bars = [chart for chart in charts if chart["data"][0]["type"] == "bar" and chart is not legends[0]]
    assert bars
    for chart in bars:
        assert chart["layout"]["showlegend"] is False
        for shares in zip(*(trace["x"] for trace in chart["data"]), strict=True):
            assert sum(shares) == pytest.approx(1)


def test_a_demo_set_is_drawn_from_the_page_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "none.parquet"))
    monkeypatch.setenv("COVID_XRAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("ui.demo.IMAGES", 60)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "left over").write_text("")
    app = opened()
    app.button(key="demo_draw").click().run()
    assert not app.exception
    job = find_job(tmp_path / "demo-2")
    assert job is not None
    for _ in range(240):
        if job.state() != "running":
            break
        time.sleep(0.25)
    app.run()
    assert not app.exception
    assert "**60 images** of 60" in page_text(app)
    assert "no patient, free to use" in page_text(app)
    assert app.text_input(key="manifest_path").value == str(tmp_path / "demo-2" / "manifest.parquet")
    assert find_job(tmp_path / "demo-2") is None


def test_images_are_measured_from_the_page(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr("ui.dataset.measuring.start_job", lambda *arguments: started.append(arguments))
    app = opened(view="Map")
    assert "Not measured yet" in page_text(app)
    app.selectbox(key="measure_model").set_value("whole-image")
    app.button(key="measure").click().run()
    out = manifest.with_name("images-measured.parquet")
    wanted = ["data", "measure", "--manifest", str(manifest), "--model", "whole-image", "--out", str(out)]
    assert started == [(wanted, out, out, "Measuring")]
    pd.read_parquet(manifest).assign(
        model="lungs", weights="a", predicted="Normal", confidence=0.9, correct=True
    ).to_parquet(out)
    app.run()
    app.button(key="measure_open").click().run()
    assert app.text_input(key="manifest_path").value == str(out)
    assert not [button for button in app.button if button.key == "measure"]
