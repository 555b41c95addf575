"""How Sphinx makes the site: `sphinx-build docs site`."""

from covid_model import __version__

project = "X-ray Explained"
author = "The X-ray Explained authors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"X-ray Explained {release}"
html_show_copyright = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
myst_heading_anchors = 3
