// Tables of what is drawn, one run in full, and the start of the page.
// heads: {text, number, wrap, title, on, sort}; rows: {cells, here}; a cell is a text or a node
function tableOf(heads, rows) {
  const head = heads.map(({ text, number, title, on, sort }) => element(
    "th", { scope: "col", class: number ? "number" : null, title: title || null, "aria-sort": sort || null },
    on ? element("button", { type: "button", onclick: on }, text) : text));
  const kinds = heads.map(({ number, wrap }) => (number ? "number" : wrap ? "wrap" : null));
  const body = rows.map(({ cells, here }) => element("tr", { class: here ? "here" : null },
    ...cells.map((content, k) => element("td", { class: kinds[k] }, content))));
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
}
function button(text, onclick) { return element("button", { type: "button", class: "plain", onclick }, text); }

function showSummary({ x, y, hue, panel, panels, hues, medians }) {
  $("summary").hidden = !medians.length;
  const keys = [["panel", panel, panels], ["hue", hue, hues]].filter(([, found]) => found);
  const numbers = ["runs that are ok", `median ${labelOf(y)}`, "low", "high", "coverage"];
  const heads = [...keys.map(([, found]) => ({ text: labelOf(found) })), { text: labelOf(x), number: x.number },
    ...numbers.map((text) => ({ text, number: true }))];
  const rows = medians.map((m) => ({ cells: [
    ...keys.map(([key, , levels]) => shown(levels[m[key]])), shown(m.x), String(m.n),
    ...[m.median, m.low, m.high].map((v) => written(v, 6)), written(m.coverage)] }));
  $("summary").lastElementChild.replaceChildren(tableOf(heads, rows));
}

// --- all runs that are chosen -------------------------------------------------------------------
function columnsOfTable() {
  const names = [...sweepNow().axes, chosen.panel, chosen.hue, chosen.x, chosen.y, ...DATA.certificate];
  const verdicts = sweepNow().columns.map((c) => c.n).filter((n) => /^(verdict|certificate)_/.test(n));
  return [...new Set([...names, ...verdicts])].map(column).filter(Boolean);
}
function sorted(rows) {
  const { by, down } = chosen.sort || {}, run = sweepNow().run;
  const value = by === "run" ? run : column(by) && column(by).at;
  if (!value) { return rows; }
  const compare = (a, b) => (a === null || b === null ? (a === null) - (b === null) // missing ones last
    : (down ? -1 : 1) * (a < b ? -1 : a > b ? 1 : 0));
  return [...rows].sort((a, b) => compare(value(a), value(b)));
}
function showTable(rows) {
  const { run, n, name } = sweepNow();
  const list = sorted(chosen.group || rows), columns = columnsOfTable();
  const last = Math.max(0, Math.ceil(list.length / PAGE) - 1);
  chosen.page = Math.min(chosen.page, last);
  const first = chosen.page * PAGE, part = list.slice(first, first + PAGE);
  const sortable = (key, head) => {
    const here = chosen.sort && chosen.sort.by === key, down = here && !chosen.sort.down;
    const on = () => {
      Object.assign(chosen, { sort: { by: key, down }, page: 0 });
      showTable(rows);
      $("table").querySelector("th[aria-sort] button").focus();
    };
    return { ...head, on, sort: here ? (down ? "ascending" : "descending") : null };
  };
  const heads = columns.map((c) => sortable(c.name, { text: labelOf(c), number: c.number,
    title: c.about ? `${c.name}: ${c.about}` : c.name }));
  $("table").replaceChildren(tableOf([sortable("run", { text: "run" }), ...heads], part.map((row) => ({
    here: run(row) === chosen.run,
    cells: [button(run(row), () => openRun(run(row))), ...columns.map((c) => shown(c.at(row)))] }))));
  $("chosen").textContent = chosen.group ? `The ${list.length} runs behind one median.`
    : `${list.length} of ${n} runs of ${name}. A click on a heading sorts.`;
  $("release").hidden = !chosen.group;
  $("where").textContent = list.length ? `${first + 1}–${first + part.length} of ${list.length}` : "no run";
  $("back").disabled = chosen.page === 0;
  $("forth").disabled = chosen.page === last;
  $("back").onclick = () => { chosen.page -= 1; showTable(rows); };
  $("forth").onclick = () => { chosen.page += 1; showTable(rows); };
}

// --- one run ------------------------------------------------------------------------------------
function openRun(run) {
  chosen.run = run;
  showResults();
  $("h-run").focus();
  $("run").scrollIntoView({ block: "nearest" });
}
function openGroup(rows) {
  Object.assign(chosen, { group: rows, page: 0 });
  showResults();
  $("h-table").scrollIntoView({ block: "nearest" });
}
function goTo(sweep, run) {
  if (sweep !== chosen.sweep) { chooseSweep(sweep); showPickers(); showFacets(); }
  openRun(run);
}
function showRun() {
  const sweep = sweepNow(), row = sweep.rowOf.get(chosen.run);
  $("run").hidden = row === undefined;
  if (row === undefined) { return; }
  const own = sweep.columns.map((c) => columnOf(sweep, c.n)), at = (name) => column(name).at(row);
  const link = (href, text) => element("a", { href }, text);
  const below = sweep.on.filter((on) => column(`${on}.run_id`) && at(`${on}.run_id`)).map((on) => {
    const run = at(`${on}.run_id`);
    return ["builds on", element("span", {}, `${on}, run `, button(run, () => goTo(on, run)))];
  });
  const facts = [["sweep", `${sweep.name}: ${sweep.why}`], ["stage", sweep.stage], ["status", at("status")],
    ["lies in", element("span", {},
      link(`../store/${chosen.run}/${at("code_key")}/record.json`, "its record"), ", ",
      link(`sweeps/${sweep.name}.parquet`, "its row of the sweep"),
      ...(sweep.report ? [", ", link(`report.html#${sweep.report}`, "the report's table")] : []))], ...below];
  const same = own.filter((c) => c.setting && c.count() === 1);
  $("h-run").textContent = `Run ${chosen.run}`;
  $("run").lastElementChild.replaceChildren(
    element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    element("p", {}, "Compute it again and compare with what is stored; where it comes from; in Python:"),
    element("pre", { id: "again" }, `relu-optima recompute ${DATA.study} ${chosen.run}`),
    element("pre", {}, `relu-optima doctor ${chosen.run}`),
    element("pre", {}, `relu_optima.results("${DATA.study}", "${sweep.name}")`
      + `.query("run_id == '${chosen.run}'")`),
    element("h3", {}, "Result and certificate"), scrolled(resultsOf(own, row)),
    element("h3", {}, "How it differs from the other runs of the sweep"),
    scrolled(differences(sweep, own, row)),
    element("details", {}, element("summary", {}, "Settings that all runs of the sweep share"), scrolled(tableOf(
      [{ text: "setting" }, { text: "value", wrap: true }],
      same.map((c) => ({ cells: [c.name, exact(c.at(row))] }))))));
}
const exact = (value) => (typeof value === "string" ? value : written(value, 17));
function cut(text) {
  return text.length > 28 ? element("span", { title: text }, `${text.slice(0, 27)}…`) : text;
}
function scrolled(table) { return element("div", { class: "scroll", tabindex: 0 }, table); }
function resultsOf(own, row) { // the certificate first
  const found = own.filter((c) => !c.setting && !c.on && c.at(row) !== null && c.name !== "code_key");
  const rank = (c) => (DATA.certificate.includes(c.name) ? DATA.certificate.indexOf(c.name) : 99);
  return tableOf([{ text: "result" }, { text: "value", number: true }, { text: "what it is", wrap: true }],
    found.sort((a, b) => rank(a) - rank(b)).map((c) => (
      { cells: [labelOf(c), cut(shown(c.at(row), 6)), c.about || c.name] })));
}
function differences(sweep, own, row) {
  const axes = sweep.axes.map(column), varying = own.filter((c) => c.setting && c.count() > 1);
  const line = (c) => {
    const axis = axes.includes(c);
    const others = axis ? rowsOf(sweep).filter((other) => other !== row
      && axes.every((a) => a === c || a.at(other) === a.at(row))) : [];
    const links = others.slice(0, 12).flatMap((k) => [button(shown(c.at(k)), () => openRun(sweep.run(k))), " · "]).slice(0, -1);
    const rest = others.length > 12 ? ` and ${others.length - 12} more` : "";
    const count = c.cells().filter((v) => v === c.at(row)).length;
    return { cells: [c.name, cut(exact(c.at(row))), `${count} of ${sweep.n}`,
      axis ? element("span", {}, ...links, rest) : "follows from those above"] };
  };
  return tableOf([{ text: "setting" }, { text: "this run" }, { text: "runs with this value", number: true },
    { text: "runs that differ in it alone, by its value", wrap: true }],
  [...axes, ...varying.filter((c) => !axes.includes(c))].map(line));
}

// --- the start ----------------------------------------------------------------------------------
function showResults() {
  const rows = rowsChosen();
  $("count").textContent = `${rows.length} of ${sweepNow().n} runs`;
  showChart(rows);
  showTable(rows);
  showRun();
  toAddress();
}
function showAll() {
  showPickers();
  showFacets();
  showResults();
}
for (const id of ["x", "y", "hue", "panel"]) {
  $(id).addEventListener("change", () => {
    Object.assign(chosen, { [id]: $(id).value, view: "", group: null });
    const x = column(chosen.x);
    if (id === "x") { Object.assign(chosen, { medians: x.setting || !x.number, lx: chosen.lx && x.number }); }
    showAll();
  });
}
for (const id of ["lx", "ly", "runs", "medians"]) {
  $(id).addEventListener("change", () => { chosen[id] = $(id).checked; showResults(); });
}
$("sweep").addEventListener("change", () => { chooseSweep($("sweep").value); showAll(); });
$("view").addEventListener("change", () => { chooseView($("view").value); showAll(); });
$("release").addEventListener("click", () => { chosen.group = null; showResults(); });
$("choose").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => { fromAddress(); showAll(); });
let width = window.innerWidth; // a phone changes its height while one scrolls
window.addEventListener("resize", () => {
  if (window.innerWidth !== width) { width = window.innerWidth; showChart(rowsChosen()); }
});
DARK.addEventListener("change", () => showChart(rowsChosen()));
$("filters").open = window.innerWidth > 800;
fromAddress();
showAll();
