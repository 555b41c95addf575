"""The five lines of the README, as a notebook user types them."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from covid_model import Model, load_model, read_image, sample_image
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.errors import DataError, ExplainError, ImageError, ModelError
from covid_model.explain.explanation import Explanation
from covid_model.threads import IN_FLIGHT

if TYPE_CHECKING:
    import keras

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("lungs")


def test_importing_the_package_is_quick_and_needs_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import covid_model; seconds = time.perf_counter() - start; "
        "assert seconds < 0.2, seconds; assert not {'tensorflow', 'numpy', 'keras'} & set(sys.modules); "
        "assert 'load_model' in dir(covid_model); print(covid_model.sample_image('normal-1').shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(256, 256)", "assets are found from another working directory"


def test_unknown_names_are_attribute_errors() -> None:
    import covid_model

    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        _ = covid_model.predict


def test_five_lines_give_probabilities_heatmap_verdict_and_files(model: Model, tmp_path: Path) -> None:
    result = model.explain(read_image(shipped_samples()["covid-19-0"].path), method="gradcam", target="COVID-19")
    assert sum(result.probabilities.values()) == pytest.approx(1)
    assert result.heatmap.shape == result.image.shape
    assert result.heatmap.max() > 0
    assert result.prediction.input_check is not None
    assert result.prediction.input_check.accepted
    path = result.save(str(tmp_path / "out"))
    stem = path.name.removesuffix(".json")
    assert {entry.name for entry in path.parent.iterdir()} == {
        f"{stem}.json",
        f"{stem}.npy",
        f"{stem}.layer.npy",
        f"{stem}.png",
    }
    again = Explanation.load(path)
    np.testing.assert_array_equal(again.heatmap, result.heatmap)
    assert again.record() == result.explanation.record()
    assert result.show().size == result.image.shape[::-1]
    assert "data:image/png;base64," in result._repr_html_()


def test_the_verdict_finds_the_audit_record_by_itself(model: Model, tmp_path: Path) -> None:
    result = model.explain(sample_image("covid-19-0"))
    found = result.verdict()
    assert found.word in ("supported", "not supported")
    outcomes = {key: score.outcome for key, score in result.scores.items()}
    assert outcomes["randomisation"] in ("passed", "failed"), "its line comes from the audit record"
    assert outcomes["stability"] in ("passed", "failed")
    record = result.save(tmp_path)
    assert record.with_name(record.name.replace(".json", ".trust.json")).is_file()


def test_a_class_is_given_by_name_or_index(model: Model) -> None:
    image = sample_image("pneumonia-0")
    by_name, by_index = (model.explain(image, target=target) for target in (model.classes[1], 1))
    np.testing.assert_array_equal(by_name.heatmap, by_index.heatmap)
    assert by_index.explanation.target == model.classes[1]
    with pytest.raises(ExplainError, match="Received: 7"):
        model.explain(image, target=7)


def test_arrays_bytes_and_paths_read_alike() -> None:
    path = shipped_samples()["normal-1"].path
    grey = np.asarray(Image.open(path).convert("L"))
    np.testing.assert_array_equal(read_image(path).pixels, read_image(path.read_bytes()).pixels)
    np.testing.assert_allclose(read_image(grey).pixels, grey / 255, atol=1e-6)
    np.testing.assert_allclose(read_image(grey.astype(np.float32) / 255).pixels, grey / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((100, 100, 3), np.uint8), r"shape \(100, 100, 3\)"),
        (np.full((100, 100), np.nan, np.float32), r"\[0, 1\] would work"),
        (np.linspace(-1, 1, 10_000, dtype=np.float32).reshape(100, 100), r"from -1 to 1"),
        (np.zeros((100, 100), np.int32), "unsigned integers"),
        (np.zeros((100, 100), np.uint8), "same value"),
        (np.zeros((3, 3), np.uint8), "at least 64"),
    ],
)
def test_arrays_that_are_no_image_are_one_sentence(array: np.ndarray, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_image(array)


def test_what_is_no_chest_xray_is_refused_and_explained_by_force_without_a_verdict(model: Model) -> None:
    noise = read_image(np.random.default_rng(0).random((256, 256)).astype(np.float32))
    with pytest.raises(ImageError, match="force=True"):
        model.explain(noise)
    result = model.explain(noise, force=True)
    assert result.verdict().word == "withheld"
    assert result.verdict().why in " ".join([*result.warnings, result.verdict().why])


def test_a_batch_is_lazy_and_looks_only_a_few_images_ahead(model: Model) -> None:
    read = []

    def images():
        for number in range(3 * IN_FLIGHT):
            read.append(number)
            yield sample_image(("covid-19-0", "normal-1")[number % 2])

    results = model.explain_batch(images(), method="gradcam", target=0)
    assert read == []
    assert next(results).image.digest == sample_image("covid-19-0").digest
    assert len(read) <= IN_FLIGHT + 1
    assert next(results).image.digest == sample_image("normal-1").digest
    assert len(list(results)) == 3 * IN_FLIGHT - 2


def test_a_batch_gives_the_bytes_of_one_by_one(model: Model) -> None:
    images = [sample_image(name) for name in list(shipped_samples()) * 3]
    for image, found in zip(images, model.explain_batch(images), strict=True):
        alone = model.explain(image)
        assert found.explanation.layer_map.tobytes() == alone.explanation.layer_map.tobytes()
        assert found.heatmap.tobytes() == alone.heatmap.tobytes()
        assert found.probabilities == alone.probabilities
        assert found.overlay() == alone.overlay()


def test_a_refused_image_of_a_batch_raises_in_its_place(model: Model) -> None:
    noise = read_image(np.random.default_rng(0).random((256, 256)).astype(np.float32))
    results = model.explain_batch([sample_image("covid-19-0"), noise, sample_image("normal-1")])
    assert next(results).image.digest == sample_image("covid-19-0").digest
    with pytest.raises(ImageError, match="force=True"):
        next(results)


def test_unknown_models_and_samples_name_the_known_ones() -> None:
    with pytest.raises(ModelError, match="lungs"):
        load_model("no-such-model")
    with pytest.raises(DataError, match="normal-1"):
        sample_image("no-such-sample")


def toy_network() -> "keras.Model":
    """One convolution and one unit, for a grey image of 64 x 64."""
    import keras

    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((64, 64, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="toy",
    )


def test_a_keras_model_and_its_file_give_what_their_own_predict_gives(tmp_path: Path) -> None:
    network = toy_network()
    network.save(tmp_path / "mine.keras")
    own = {"classes": ("Normal", "COVID-19"), "preprocessing": {"scaling": "unit"}}
    image = sample_image("covid-19-0")
    for source in (network, tmp_path / "mine.keras", str(tmp_path / "mine.keras")):
        model = load_model(source, **own)
        result = model.explain(image)
        expected = float(network.predict(result.prediction.prepared.batch, verbose=0)[0, 0])
        assert result.probabilities["COVID-19"] == pytest.approx(expected, abs=1e-5)
        assert result.heatmap.shape == image.shape
    assert model.key == "mine"


def test_a_model_of_ones_own_needs_what_it_does_not_know() -> None:
    with pytest.raises(ModelError, match="classes="):
        load_model(toy_network())
    with pytest.raises(ModelError, match="Received int"):
        load_model(3)  # type: ignore[arg-type]
