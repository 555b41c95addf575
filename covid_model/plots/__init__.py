"""Plain results -> Plotly figures; no Streamlit, no Keras."""

# Plotly looks pandas up in `sys.modules` while it makes a figure, and fails on one that another thread (TensorFlow's start)
# has imported only half. Python's import lock makes this line wait for the whole of it.
import pandas  # noqa: F401
