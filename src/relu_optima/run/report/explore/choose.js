// What is chosen: the sweep, what is drawn of it, which runs. All words enter as text, never as markup.
const DATA = JSON.parse(document.getElementById("data").textContent);
const PAGE = 100; // rows of a table at a time
const MOST = { panels: 24, hues: 7, shades: 24, boxes: 24, known: 200 };
const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const $ = (id) => document.getElementById(id);
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null) { continue; }
    if (key.startsWith("on")) { node.addEventListener(key.slice(2), value); } else { node.setAttribute(key, value); }
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// What a table of the data says of a word that anyone may have chosen.
const said = (table, word) => (Object.hasOwn(table, word) ? table[word] : undefined);

// --- data ---------------------------------------------------------------------------------------
const SWEEPS = new Map(DATA.sweeps.map((sweep) => [sweep.name, sweep]));
for (const sweep of DATA.sweeps) {
  sweep.by = new Map(sweep.columns.map((column) => [column.n, column]));
  sweep.run = (row) => sweep.ids.slice(12 * row, 12 * row + 12);
  sweep.rowOf = new Map(Array.from({ length: sweep.n }, (_, row) => [sweep.run(row), row]));
}
function cellsOf(sweep, column) {
  if ("c" in column) { return Array(sweep.n).fill(column.c); }
  if ("v" in column) { return column.v; }
  if ("u" in column) {
    const upstream = SWEEPS.get(column.u);
    const source = columnOf(upstream, column.n.slice(column.u.length + 1));
    return sweep.rows[column.u].map((row) => source.at(row));
  }
  const index = typeof column.i === "string" ? Array.from(column.i, (c) => DATA.letters.indexOf(c)) : column.i;
  return index.map((k) => column.d[k]);
}
function once(make) {
  let made = null;
  return () => { made = made || make(); return made; };
}
function columnOf(sweep, name) { // a column is read when it is asked for, not before
  const column = sweep.by.get(name);
  if (!column || column.at) { return column; }
  const source = "u" in column ? columnOf(SWEEPS.get(column.u), name.slice(column.u.length + 1)) : null;
  const known = source ? source.known : "c" in column ? [column.c] : column.d || column.v;
  const cells = once(() => cellsOf(sweep, column));
  const on = sweep.on.find((upstream) => name.startsWith(`${upstream}.`));
  const [label, unit] = DATA.labels[name];
  return Object.assign(column, {
    name, on, known, cells, at: (row) => cells()[row], setting: column.s === 1,
    levels: once(() => levelsOf(cells())),
    // how many values there are, as far as anyone could tell them apart
    count: once(() => (known.length > MOST.known ? known.length : new Set(cells()).size)),
    label: unit ? `${label} (${unit})` : label, about: on ? "" : said(DATA.about[sweep.stage], name) || "",
    number: known.every((v) => v === null || typeof v === "number"),
  });
}
function shown(value, digits) {
  return typeof value === "string" ? said(DATA.values, value) || value : written(value, digits);
}
function named(column, value) { // a number with the name of its column, as in the figures' legends
  return typeof value === "number" ? `${labelOf(column)} = ${shown(value)}` : shown(value);
}
const fullName = ({ label, name }) => (label === name ? name : `${label} · ${name}`);
const labelOf = (column) => (view() && said(view().labels, column.name)) || column.label;

// --- what is chosen -----------------------------------------------------------------------------
const chosen = { only: {}, sort: null, page: 0, run: "", group: null };
const sweepNow = () => SWEEPS.get(chosen.sweep);
const column = (name) => (name ? columnOf(sweepNow(), name) : undefined);
const view = () => DATA.views.find((v) => v.figure === chosen.view);
const good = (row) => DATA.good.includes(column("status").at(row));

function chooseSweep(name) {
  const sweep = SWEEPS.get(name) || DATA.sweeps[DATA.sweeps.length - 1];
  const first = DATA.views.find((v) => v.sweep === sweep.name);
  Object.assign(chosen, { sweep: sweep.name, view: "", only: {}, run: "", group: null, sort: null, page: 0 });
  if (first) { chooseView(first.figure); return; }
  const axes = sweep.axes.map((axis) => columnOf(sweep, axis));
  const results = sweep.columns.filter((c) => !c.s).map((c) => columnOf(sweep, c.n));
  const known = results.filter((c) => c.number && !c.on), varying = known.filter((c) => !("c" in c));
  const numbers = varying.length ? varying : known;
  const x = axes.find((a) => a.number && !/seed$/.test(a.name)) || axes[0] || numbers[0] || column("status");
  const certain = numbers.find((c) => DATA.certificate.includes(c.name));
  const y = certain || numbers[0] || axes.find((a) => a.number) || columnOf(sweep, "status");
  const rest = axes.filter((a) => a !== x && !/seed$/.test(a.name)).map((a) => a.name);
  Object.assign(chosen, { x: x.name, y: y.name, hue: rest[0] || "", panel: rest[1] || "", lx: false, ly: false,
    runs: true, medians: x.setting || !x.number });
}
function chooseView(figure) {
  const wanted = DATA.views.find((v) => v.figure === figure);
  if (!wanted) { chosen.view = ""; return; }
  const { sweep, x, y, hue, panel, lx, ly, medians } = wanted;
  Object.assign(chosen, { view: figure, sweep, x, y, hue, panel, lx, ly, medians, runs: true, run: "",
    group: null, only: structuredClone(wanted.only), sort: null, page: 0 });
}
const rowsOf = (sweep) => Array.from({ length: sweep.n }, (_, row) => row);
function rowsChosen() {
  const conditions = Object.entries(chosen.only).filter(([name]) => column(name)).map(([name, wanted]) => {
    const cells = column(name).cells(), { min, max } = Object(wanted);
    return Array.isArray(wanted) ? (row) => wanted.includes(cells[row])
      : (row) => cells[row] >= min && cells[row] <= max;
  });
  return rowsOf(sweepNow()).filter((row) => conditions.every((test) => test(row)));
}
function toAddress() {
  const words = new URLSearchParams();
  for (const key of ["sweep", "view", "x", "y", "hue", "panel", "run"]) {
    if (chosen[key]) { words.set(key, chosen[key]); }
  }
  for (const key of ["lx", "ly", "runs", "medians"]) { words.set(key, chosen[key] ? "1" : "0"); }
  if (Object.keys(chosen.only).length) { words.set("only", JSON.stringify(chosen.only)); }
  history.replaceState(null, "", `#${words}`);
}
function fromAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const figure = DATA.views.find((v) => v.figure === words.get("view"));
  chooseSweep(words.get("sweep") || (figure || DATA.views[0] || {}).sweep);
  if (figure) { chooseView(figure.figure); } else if (words.has("x")) { chosen.view = ""; }
  const there = { sweep: SWEEPS.has(words.get("sweep")), view: Boolean(figure),
    run: sweepNow().rowOf.has(words.get("run")) };
  for (const key of ["x", "y", "hue", "panel"]) {
    const name = words.get(key);
    there[key] = Boolean(column(name));
    if (name ? column(name) : words.has("x") && /hue|panel/.test(key)) { chosen[key] = name || ""; }
  }
  for (const key of ["lx", "ly", "runs", "medians"]) {
    if (words.has(key)) { chosen[key] = words.get(key) === "1"; }
  }
  if (words.has("only")) {
    try { chosen.only = Object(JSON.parse(words.get("only"))); } catch { chosen.only = {}; }
  }
  if (there.run) { chosen.run = words.get("run"); }
  const lost = Object.keys(there).filter((key) => words.get(key) && !there[key]);
  $("lost").textContent = lost.map(
    (key) => `The address asks for ${key} ${words.get(key)}, which is not here.`).join(" ");
}

// --- pickers and filters ------------------------------------------------------------------------
function fillSelect(id, groups, value) {
  $(id).replaceChildren(...groups.filter(([, options]) => options.length).map(([title, options]) => {
    const nodes = options.map(([key, text]) => element("option", { value: key }, text));
    return title ? element("optgroup", { label: title }, ...nodes) : nodes;
  }).flat());
  $(id).value = value;
}
function showPickers() {
  const sweep = sweepNow(), columns = sweep.columns.map((c) => columnOf(sweep, c.n));
  const option = (c) => [c.name, fullName(c)];
  const axes = sweep.axes.map((axis) => column(axis));
  const varying = columns.filter((c) => c.count() > 1 && !axes.includes(c));
  const groups = (test) => [["axes", axes], ["results", varying.filter((c) => !c.setting && !c.on)],
    ["other settings", varying.filter((c) => c.setting && !c.on)],
    ...sweep.on.map((on) => [`of ${on}`, varying.filter((c) => c.on === on)])]
    .map(([title, list]) => [title, list.filter(test).map(option)]);
  const has = (list, name) => list.some(([, options]) => options.some(([key]) => key === name));
  const kept = (name, list) => (has(list, name) || !column(name) ? list
    : [["", [option(column(name))]], ...list]);
  const few = groups((c) => c.count() <= MOST.shades);
  fillSelect("sweep", [["", DATA.sweeps.map((s) => [s.name, `${s.name} (${s.n})`])]], sweep.name);
  const views = DATA.views.filter((v) => v.sweep === sweep.name).map((v) => [v.figure, v.title]);
  fillSelect("view", [["", [["", "–"], ...views]]], chosen.view);
  fillSelect("x", kept(chosen.x, groups(() => true)), chosen.x);
  fillSelect("y", kept(chosen.y, groups((c) => c.number)), chosen.y);
  for (const id of ["hue", "panel"]) { fillSelect(id, [["", [["", "–"]]], ...kept(chosen[id], few)], chosen[id]); }
  for (const id of ["lx", "ly", "runs", "medians"]) { $(id).checked = chosen[id]; }
  $("lx").disabled = !column(chosen.x).number;
  $("why").textContent = sweep.why;
}
function showFacets() {
  const names = [...new Set([...sweepNow().axes, ...Object.keys(chosen.only)])].filter((name) => column(name));
  $("facets").replaceChildren(...names.map((name) => {
    const facet = column(name), wanted = chosen.only[name];
    const set = (value) => {
      if (value === null) { delete chosen.only[name]; } else { chosen.only[name] = value; }
      Object.assign(chosen, { page: 0, group: null });
      showResults();
    };
    const body = element("div", { class: "levels" });
    if (facet.levels().length > MOST.boxes && facet.number) {
      const known = facet.levels().filter((v) => v !== null);
      const ends = { min: known[0], max: known[known.length - 1] };
      for (const end of ["min", "max"]) {
        const read = () => (input.value === "" ? ends[end] : Number(input.value));
        const input = element("input", { type: "number", step: "any", value: (wanted || ends)[end],
          onchange: () => set({ ...ends, ...chosen.only[name], [end]: read() }) });
        body.append(element("label", {}, `${end} `, input));
      }
    } else {
      const boxes = facet.levels().map((level) => {
        const box = element("input", { type: "checkbox", onchange: () => {
          const left = facet.levels().filter((_, k) => boxes[k].checked);
          set(left.length === boxes.length ? null : left);
        } });
        box.checked = !wanted || wanted.includes(level);
        body.append(element("label", {}, box, ` ${shown(level)}`));
        return box;
      });
    }
    return element("fieldset", {}, element("legend", {}, fullName(facet)), body);
  }));
}
