"""What a file is, by its content, before Keras sees it."""

import json
import zipfile
from pathlib import Path

import h5py
import pytest
from model_files import rewritten_config, saved, small

from covid_model.errors import ModelError
from covid_model.models.model_file import DEEPEST, LARGEST_CONFIG, MOST_LAYERS, open_model_file, refuse_code


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize(("written", "named"), [("m.keras", "m.h5"), ("m.h5", "m.keras"), ("m.keras", "model")])
def test_the_content_decides_and_not_the_name(written: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    other = tmp_path / "there" / named
    other.write_bytes(saved(small(), tmp_path / written))
    found = open_model_file(other)
    assert found.container == ("zip" if written.endswith(".keras") else "hdf5")
    assert found.version.startswith("3.")
    assert not found.of_keras_2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a Keras model; a .keras or .h5 file"),
        (b"no model", "not a Keras model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "not a Keras model"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(99), "TensorFlow Lite file, which cannot be read; take the Keras model"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "PyTorch file, which cannot be read; build the same network in Keras"),
        (b'\x10\x00\x00\x00\x00\x00\x00\x00{"__metadata__":', "safetensors file"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "ONNX file, which cannot be read"),
        (b"\x08\x01\x12\x05serve" + b"\x12\x0bsaved_model", "TensorFlow SavedModel file"),
        (b"PK\x03\x04 damaged", "damaged zip file"),
        (b"\x89HDF\r\n\x1a\n damaged", "damaged HDF5 file"),
    ],
)
def test_files_of_other_kinds_are_named(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        open_model_file(path)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("archive/data.pkl", "archive/version"), "PyTorch file"),
        (("saved_model.pb", "variables/variables.index"), "TensorFlow SavedModel file, which cannot be read; load it"),
        (("m/saved_model.pb",), "TensorFlow SavedModel file"),
        (("model.weights.h5",), "weights without the network"),
        (("word/document.xml",), "not a Keras model"),
    ],
)
def test_zip_files_of_other_kinds_are_named(names: tuple[str, ...], words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words):
        open_model_file(zipped(tmp_path / "m.keras", dict.fromkeys(names, b"x")))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b"\xff\xfe\x00", "not text that Keras wrote"),
        (b"[1, 2]", "not text that Keras wrote"),
        (b'{"a": ' * 100_000, "nested more than"),
        (b'{"a": ' * (DEEPEST + 2) + b"1" + b"}" * (DEEPEST + 2), "nested more than"),
        (b" " * (LARGEST_CONFIG + 1), "takes more than 20 MB"),
    ],
    ids=["binary", "list", "endless", "deep", "bomb"],
)
def test_crafted_architectures_are_one_sentence(config: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words):
        open_model_file(zipped(tmp_path / "m.keras", {"config.json": config}))


def test_a_config_larger_than_its_header_says_is_not_read_whole(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", {"config.json": b"0" * 200_000_000})
    assert path.stat().st_size < 1_000_000
    content = path.read_bytes().replace((200_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(ModelError):
        open_model_file(path)


def test_a_zip_file_that_declares_gigabytes_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", {"config.json": b"{}", "model.weights.h5": b"1234567"})
    path.write_bytes(path.read_bytes().replace((7).to_bytes(4, "little"), (2**31).to_bytes(4, "little")))
    with pytest.raises(ModelError, match=r"unpacks to 2\.1 GB"):
        open_model_file(path)


def test_an_encrypted_zip_file_is_one_sentence(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", {"config.json": b"{}"})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="encrypted"):
        open_model_file(path)


def test_an_hdf5_file_that_points_to_other_files_is_refused(tmp_path: Path) -> None:
    saved(small(), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file["model_weights/elsewhere"] = h5py.ExternalLink("/etc/hostname", "/x")
    with pytest.raises(ModelError, match="takes weights from other files"):
        open_model_file(tmp_path / "m.h5")
    saved(small(), tmp_path / "n.h5")
    with h5py.File(tmp_path / "n.h5", "r+") as file:
        file.create_dataset("model_weights/raw", (4,), "u1", external=[("/etc/hostname", 0, 4)])
    with pytest.raises(ModelError, match="takes weights from other files"):
        open_model_file(tmp_path / "n.h5")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"class_name": "Lambda", "config": {}}, "Lambda layer, which is code"),
        ({"class_name": "__lambda__", "config": {}}, "Lambda layer, which is code"),
        ({"class_name": "Dense", "registered_name": "mine>Dense"}, "not run: mine>Dense"),
        ({"class_name": "system", "module": "os", "config": "id"}, "not run: os.system"),
        ({"class_name": "get_file", "module": "keras.utils", "config": {}}, "not run: keras.utils.get_file"),
        ({"class_name": "function", "module": "builtins", "config": "mine>swish"}, "not run: mine>swish"),
        ({"class_name": "Dense", "module": "kerasic.layers", "config": {}}, "not run: kerasic.layers.Dense"),
    ],
)
def test_code_is_refused_before_keras_sees_the_file(part: dict, words: str, tmp_path: Path) -> None:
    def planted(text: bytes) -> bytes:
        config = json.loads(text)
        config["config"]["layers"][1]["config"]["planted"] = part
        return json.dumps(config).encode()

    saved(small(), tmp_path / "m.keras")
    with pytest.raises(ModelError, match=words):
        refuse_code(open_model_file(rewritten_config(tmp_path / "m.keras", planted)).config)


def test_thousands_of_layers_are_refused_before_they_are_built() -> None:
    layer = {"class_name": "ReLU", "config": {"name": "relu"}}
    with pytest.raises(ModelError, match="more than 3000 layers"):
        refuse_code({"class_name": "Sequential", "config": {"layers": [layer] * (MOST_LAYERS + 1)}})


def test_small_files_that_unpack_to_much_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", {"config.json": b"{}", "model.weights.h5": bytes(300_000_000)})
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ModelError, match=r"unpacks to 0\.3 GB, too much for its size"):
        open_model_file(path)
