"""Plain results -> Plotly figures; no Streamlit, no Keras."""
