"use strict";
// A click on a heading sorts its table; numbers by their full value, missing ones last.
function keyOf(row, column) {
  const cell = row.cells[column];
  const raw = cell.dataset.value;
  return raw === undefined ? cell.textContent : Number(raw);
}
function compare(a, b) {
  if (typeof a === typeof b) { return a < b ? -1 : a > b ? 1 : 0; }
  return typeof a === "number" ? -1 : 1;
}
function sortBy(head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  const body = head.closest("table").tBodies[0];
  const rows = Array.from(body.rows, (row) => [keyOf(row, head.cellIndex), row]);
  rows.sort((a, b) => (typeof a[0] === typeof b[0] && down ? -1 : 1) * compare(a[0], b[0]));
  for (const other of head.parentNode.cells) { other.removeAttribute("aria-sort"); }
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows.map((pair) => pair[1]));
}
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const hidden = target && target.closest("details");
  if (hidden) { hidden.open = true; target.scrollIntoView(); }
}
for (const head of document.querySelectorAll("thead th")) {
  head.tabIndex = 0;
  head.title = "sort";
  head.addEventListener("click", () => sortBy(head));
  head.addEventListener("keydown", (event) => { if (event.key === "Enter") { sortBy(head); } });
}
window.addEventListener("hashchange", openTarget);
openTarget();
