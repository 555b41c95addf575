"""The peer: a Streamlit page as most are written, on the weights of the default model. `streamlit run` this file.

Keras' loader and `predict`, Grad-CAM by tf-keras-vis, OpenCV's colours, `st.image`. No input check, no lungs, no tests.
"""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import keras
import numpy as np
import streamlit as st
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.utils.scores import CategoricalScore

ROOT = Path(__file__).resolve().parent.parent
CLASSES = ["COVID-19", "Pneumonia", "Normal"]


@st.cache_resource
def network() -> Any:
    """The network of the default model."""
    return keras.saving.load_model(ROOT / "covid_model" / "weights" / "lungs.keras", compile=False)


upload = st.file_uploader("Upload a chest X-ray", type=["png", "jpg"])
data = upload.getvalue() if upload else (ROOT / "assets" / "samples" / "covid-19-0.png").read_bytes()
grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
assert grey is not None
batch = np.repeat((cv2.resize(grey, network().input_shape[1:3]).astype(np.float32) / 127.5 - 1)[None, ..., None], 3, axis=-1)
chosen = st.selectbox("Class to explain", CLASSES)
shares = keras.ops.softmax(network().predict(batch, verbose=0)[0])
st.write({name: float(share) for name, share in zip(CLASSES, shares, strict=True)})
heatmap = Gradcam(network())(CategoricalScore([CLASSES.index(chosen)]), batch, penultimate_layer="top")[0]
colours = cv2.applyColorMap((cv2.resize(heatmap, grey.shape[::-1]) * 255).astype(np.uint8), cv2.COLORMAP_JET)
image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
st.image([image, cv2.addWeighted(image, 0.6, colours, 0.4, 0)], caption=["image", "heatmap"], channels="BGR")
