"""The least that another picture after a click can cost in Streamlit: one select box, two pictures that are ready.

The peer of a click on a class in `benchmarks/viewer.py`. `streamlit run` this file.
"""

from pathlib import Path
from typing import Final

import streamlit as st

SAMPLES: Final = Path(__file__).resolve().parent.parent / "assets" / "samples"
PICTURES: Final = {"Normal": SAMPLES / "normal-1.png", "Pneumonia": SAMPLES / "pneumonia-0.png"}

chosen = st.selectbox("Class to explain", list(PICTURES))
st.image(PICTURES[chosen].read_bytes(), width=484)
