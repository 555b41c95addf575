"""Everything between the pages and covid_model that needs Streamlit: cached loaders, shared widgets, messages."""
