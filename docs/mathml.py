"""Mathematics in the browser's own MathML: no script from another host, no TeX."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

_LOGGER = logging.getLogger(__name__)
# what the converter takes differently than TeX: two digits as one number, a size without a side
_AS_CONVERTED = ((r"frac(\d)(\d)", r"frac{\1}{\2}"), (r"\\Big(?![a-z])", r"\\Bigl"))
_AS_IT_IS = re.compile(r"(`+[^`]*`+|^( *)\.\. math::.*\n(?:\2 +\S.*\n| *\n)*)", re.M)


def _mathml(node: nodes.Element, as_block: bool) -> str:
    text = node.astext()
    for ours, theirs in _AS_CONVERTED:
        text = re.sub(ours, theirs, text)
    try:
        made = tex2mathml(text, as_block=as_block)
    except MathError as error:
        _LOGGER.warning("%s: %s", error, text, location=node)
        return ""
    # norm bars are as high as letters, not as the sum beside them
    return re.sub(r'<mo( class="\w+")?>‖</mo>', '<mo stretchy="false">‖</mo>', made)


def _inline(translator: nodes.NodeVisitor, node: nodes.math) -> None:
    translator.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def _block(translator: nodes.NodeVisitor, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{_mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def _norms(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let |x| in the prose of a docstring be a norm, not a substitution."""
    parts = _AS_IT_IS.split("\n".join(lines) + "\n")
    # prose, what stays as it is, its indentation, prose, ...
    for k in range(0, len(parts), 3):
        parts[k] = parts[k].replace("|", r"\|")
    lines[:] = "".join(part for k, part in enumerate(parts) if k % 3 != 2).split("\n")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Name the renderer that conf.py chooses; read norms as norms."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("autodoc-process-docstring", _norms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
