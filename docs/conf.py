"""How Sphinx makes a site of this folder: `make docs`, without network, warnings are errors."""

import re
import sys
from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402

generate.write(HERE / "generated")

project = "relu-optima"
author = "relu-optima developers"
release = metadata.version("relu-optima")
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "mathml",  # after numpydoc, whose text it mends
]
exclude_patterns = ["gallery/*"]  # the pages made of these scripts lie in generated/gallery

# docstrings have code in single backquotes
default_role = "literal"
numpydoc_show_class_members = False  # autodoc shows them
autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    "exclude-members": "set_fit_request, set_score_request",  # scikit-learn's own
}
autodoc_typehints = "none"  # types stand in the docstrings

myst_heading_anchors = 3
myst_enable_extensions = ["fieldlist"]

html_math_renderer = "mathml"
html_theme = "alabaster"
html_theme_options = {
    "description": "Certified optima of ReLU networks",
    "fixed_sidebar": True,
    "page_width": "72rem",
    "body_max_width": "none",
    "sidebar_width": "15rem",
    "show_powered_by": False,
}
html_static_path = ["site.css"]
html_css_files = ["site.css"]
toc_object_entries_show_parents = "hide"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "min_reported_time": 1_000_000,  # no clock on a page
    "write_computation_times": False,
    "capture_repr": (),
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
}


def _name_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """Name a page without the ending that its file has in the repository."""
    source[0] = re.sub(r"\[([\w/]+)\.md\]\(", r"[\1](", source[0])


def setup(app: Sphinx) -> None:
    """Read pages of the repository as pages of a site."""
    app.connect("source-read", _name_pages)
