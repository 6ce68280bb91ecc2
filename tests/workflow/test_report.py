"""The report shows titles and captions as text: they run nothing and read no file."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
import yaml
from docutils.core import publish_parts

from relu_optima.publish.report import rst_text, script_text
from tests.browser import open_page
from tests.workflow.conftest import Project

SECRET = "the content of a file beside the report"
RUN = "document.documentElement.setAttribute('data-ran', 'yes')"
TITLE = f"</script><script>{RUN}</script><!--<script>"
CAPTION = f"""Before.

.. include:: {{secret}}

.. raw:: html
   :file: {{secret}}

.. raw:: html

   <script>{RUN}</script><img src="x" onerror="{RUN}">

.. role:: raw-html(raw)
   :format: html

:raw-html:`<img src="x" onerror="{RUN}">` `click <javascript:{RUN}>`_
</script><script>{RUN}</script>

.. csv-table::
   :file: {{secret}}

After.
"""
OPEN_EACH = """
<script>
const paths = Object.keys(results);
function open_next() {
    if (!paths.length) { return; }
    app.showResultInfo(paths.pop());
    setTimeout(function () {
        const copy = document.createElement("pre");
        copy.className = "opened";
        copy.textContent = document.querySelector("#app").innerText;
        document.body.appendChild(copy);
        const links = document.querySelectorAll("#app a");
        links.forEach(a => a.href.startsWith("javascript:document") && a.click());
        open_next();
    }, 200);
}
setTimeout(open_next, 500);
</script>
"""


@pytest.mark.parametrize(
    "text",
    [
        ".. include:: /etc/passwd", ".. raw:: html", ":raw:`x`", "- a", "1. b", "A. c", ":f: x",
        "| x", "|x|_ `a`_ x_ __ https://a.b a@b.c *a* **b** ``c`` [1]_ [#]_ $x$", "a::", "a\\",
        ">>> 1", "====", "(1) x", "-a x", "/V x", "\N{BULLET} x", "λₘₐₓ ≤ ‖X‖ ‖y‖, é, 5 %", "..",
        "::", "javascript:x",
    ],
)  # fmt: skip
def test_any_text_is_one_paragraph_of_the_same_text(text):
    body = publish_parts(f"{rst_text(text)}\n\nNext.", writer="html")["body"]
    assert re.findall(r"<(?!/?p>)[^>]*>", body) == []
    assert unescape(body) == f"<p>{text}</p>\n<p>Next.</p>\n"


def test_lines_become_one_and_control_characters_nothing():
    assert rst_text("a\n\n.. b\x00c") == "a \\.\\. b\N{REPLACEMENT CHARACTER}c"


def test_a_script_neither_ends_nor_opens_a_comment():
    text = json.dumps(script_text(TITLE))
    assert not re.search(r"<[/!a-z]", text, re.IGNORECASE)


def hostile(project: Project) -> Path:
    """Give a figure and a table hostile words; return the report."""
    secret = project.root / "secret.txt"
    secret.write_text(SECRET)
    caption = CAPTION.replace("{secret}", str(secret))
    path = project.root / "conf/study/tiny.yaml"
    study = yaml.safe_load(path.read_text())
    for product in (study["figures"]["tiny_objective"], study["tables"]["tiny_certificates"]):
        product |= {"title": TITLE, "caption": caption}
    path.write_text(json.dumps(study))
    project.run("study", "tiny")
    return project.root / "results/tiny/report.html"


@pytest.mark.timeout(900)  # a study, its report and a browser
def test_hostile_titles_and_captions_are_text_in_a_browser(finished: Project, tmp_path):
    report = hostile(finished)
    appendix = report.with_name("workflow.html")
    for page in (report, appendix):
        assert SECRET not in page.read_text()
    for table in (finished.root / "results/tiny/tables").glob("*.html"):
        assert "<script" not in table.read_text()
    page = report.with_name("opened.html")
    before, end, after = appendix.read_text().rpartition("</body>")
    page.write_text(before + OPEN_EACH + end + after)
    seen = open_page(page, tmp_path / "profile").dom
    opened = [unescape(t) for t in re.findall(r'<pre class="opened">(.*?)</pre>', seen, re.DOTALL)]
    assert len(opened) == 2
    for entry in opened:
        plain = entry.replace("\N{WORD JOINER}", "")
        assert TITLE in plain
        assert f"<script>{RUN}</script>" in plain.split("DESCRIPTION")[-1]
    assert 'data-ran="yes"' not in seen
    table = finished.root / "results/tiny/tables/tiny_certificates.html"
    for shown in (table, report, report.with_name("explore.html")):
        found = open_page(shown, tmp_path / "profile")
        assert 'data-ran="yes"' not in found.dom
        assert found.console == []
