// The chart of what is chosen: groups, their medians, one panel after the other, and its points.
function soften(hex) { // for a dark page
  const parts = [1, 3, 5].map((k) => Math.round(parseInt(hex.slice(k, k + 2), 16) * 0.6 + 102));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
const SHADES = [[0, 32, 76], [57, 72, 107], [117, 117, 117], [170, 157, 115], [230, 213, 80]];
function coloursOf(levels) {
  if (levels.length > 2 && levels.every((v) => typeof v === "number")) {
    return levels.map((_, k) => {
      const share = k / (levels.length - 1), at = 4 * (DARK.matches ? 0.4 + 0.6 * share : 0.85 * share);
      const [a, b] = [SHADES[Math.floor(at)], SHADES[Math.min(Math.floor(at) + 1, 4)]];
      return `rgb(${a.map((v, c) => Math.round(v + (b[c] - v) * (at % 1))).join(",")})`;
    });
  }
  const fixed = levels.map((level, k) => said(DATA.fixed, level) || DATA.colours[k]);
  const found = new Set(fixed).size < levels.length ? DATA.colours.slice(0, levels.length) : fixed;
  return found.map((colour) => (DARK.matches ? soften(colour) : colour));
}

// Runs in groups by panel, colour and x; `notes` collects what the reader must know.
function grouped(rows, notes) {
  const x = column(chosen.x), y = column(chosen.y), panel = column(chosen.panel);
  const levels = (c) => (c ? levelsOf(rows.map((row) => c.at(row))) : [null]);
  let hue = column(chosen.hue);
  const shades = levels(hue).length;
  if (hue && shades > (hue.number ? MOST.shades : MOST.hues)) {
    notes.push(`${shades} values of ${labelOf(hue)} cannot be told apart by colour: filter some, or make `
      + "them panels.");
    hue = undefined;
  }
  const hues = levels(hue), all = levels(panel), panels = all.slice(0, MOST.panels);
  if (panels.length < all.length) {
    notes.push(`The first ${panels.length} of ${all.length} panels are drawn.`);
  }
  const groups = new Map(), groupOf = new Map();
  for (const row of rows) {
    const place = { panel: panels.indexOf(panel ? panel.at(row) : null),
      hue: hues.indexOf(hue ? hue.at(row) : null), x: x.at(row) };
    if (place.panel < 0) { continue; }
    const key = JSON.stringify(Object.values(place));
    if (!groups.has(key)) { groups.set(key, { ...place, rows: [] }); }
    groups.get(key).rows.push(row);
    groupOf.set(row, groups.get(key));
  }
  return { x, y, hue, panel, hues, panels, groups: [...groups.values()], groupOf };
}
function mediansOf({ x, y, hue, panel, groups }, notes) {
  const by = [x, hue, panel].filter(Boolean).map((c) => c.name), sweep = sweepNow();
  const settings = sweep.pooled.map(column).filter(Boolean);
  const mixed = pooled(groups.map((g) => g.rows), settings, by, view() ? view().pool : []);
  if (mixed.length) {
    notes.push(`No medians: they would pool runs that differ in ${mixed.map((c) => c.name).join(", ")}, `
      + "not in seeds alone. Choose these as x, colour or panel, or filter to one value.");
    return [];
  }
  const fine = groups.map((g) => g.rows.filter(good));
  const medians = groups.map((g, k) => (
    { ...g, ...medianInterval(fine[k].map((row) => y.at(row)), DATA.confidence) }));
  const seeds = Object.entries(sweep.seeds).map(([name, word]) => ({ column: column(name), word }));
  const there = fine.filter((list) => list.length);
  if (there.length) {
    const words = describeSeeds(there, seeds.filter((seed) => seed.column));
    notes.push(`${describeInterval(medians.map((m) => m.coverage), DATA.confidence, words)}.`);
  }
  return x.number ? medians.sort((a, b) => a.x - b.x) : medians;
}
// Everything the chart shows, as values.
function summarised(rows) {
  const notes = [], parts = grouped(rows, notes), { x, y, groupOf } = parts;
  const seen = rows.filter((row) => groupOf.has(row));
  const drawn = seen.filter((row) => x.at(row) !== null && Number.isFinite(y.at(row))
    && (!x.number || Number.isFinite(x.at(row))));
  if (drawn.length < seen.length) {
    notes.push(`${seen.length - drawn.length} of ${seen.length} runs have no value here.`);
  }
  const medians = chosen.medians ? mediansOf(parts, notes).filter((m) => m.x !== null) : [];
  const bad = seen.filter((row) => !good(row)).length;
  if (bad) { notes.push(`× marks runs that are not ok (${bad} of ${seen.length}); they enter no median.`); }
  return { ...parts, medians, notes, drawn };
}

let cursor = null; // the place of a panel that the tip tells of
function showChart(rows) {
  const all = summarised(rows), { x, y, hue, panel, panels, hues, medians, notes, drawn, groupOf } = all;
  const colours = hue ? coloursOf(hues) : [DARK.matches ? soften(DATA.colours[0]) : DATA.colours[0]];
  const styles = hues.map((level, k) => ({ level, colour: colours[k] }));
  const full = $("chart").clientWidth || 320;
  const across = Math.max(1, Math.min(panels.length, Math.floor((full + 12) / 330), 3));
  const width = panels.length === 1 ? Math.min(full, 860) : Math.floor((full - 13 * (across - 1)) / across);
  const height = Math.round(Math.max(250, Math.min(440, width * 0.66)));
  const axis = (c, log, ticks) => axisOf({ values: drawn.map((row) => c.at(row)), log, label: labelOf(c),
    levels: c.number ? null : levelsOf(drawn.map((row) => c.at(row))), name: shown }, ticks);
  const xs = axis(x, chosen.lx && x.number, Math.max(3, Math.floor(width / 75)));
  const ys = axis(y, chosen.ly, 6);
  for (const [which, { floor }] of [["x", xs], ["y", ys]]) {
    if (Number.isFinite(floor)) { notes.push(`Values ≤ 0 on the ${which} axis are drawn at ${written(floor)}.`); }
  }
  $("chart").replaceChildren(...panels.map((value, k) => {
    const own = medians.filter((m) => m.panel === k), title = panel ? named(panel, value) : "";
    const runs = drawn.filter((row) => groupOf.get(row).panel === k
      && (chosen.runs || !own.length || !good(row)));
    const { node, places } = drawPanel({ title, width, height, x: xs, y: ys, hues: styles, medians: own,
      runs: runs.map((row) => ({ row, x: x.at(row), y: y.at(row), hue: groupOf.get(row).hue, ok: good(row) })) });
    const by = hue ? ` by ${labelOf(hue)}` : "";
    node.setAttribute("aria-label", `${title ? `${title}: ` : ""}${labelOf(y)} against ${labelOf(x)}${by}, `
      + `${runs.length} runs, ${own.length} medians. Arrow keys go through the points.`);
    node.setAttribute("aria-describedby", "keys");
    listen(node, places, all);
    return node;
  }));
  $("legend").replaceChildren(...(hue ? styles.map(({ level, colour }, k) => element(
    "li", {}, sample(colour, k, medians.length > 0 && x.number), named(hue, level))) : []));
  $("note").textContent = notes.join(" ");
  $("note").classList.toggle("warn", notes.some((line) => line.startsWith("No medians")));
  $("tip").textContent = "";
  showSummary(all);
}
function sample(colour, k, lines) {
  const node = svg("svg", { width: 30, height: 14, "aria-hidden": "true" });
  const dashes = DASHES[k % DASHES.length];
  if (lines) { node.append(svg("path", { class: "line", stroke: colour, "stroke-dasharray": dashes, d: "M1,7h28" })); }
  node.append(svg("path", { class: "marks", fill: colour, d: SHAPES[k % SHAPES.length](15, 7) }));
  return node;
}

// What a place says; a click or Enter opens it, the pointer and the arrow keys go to it.
function told({ run, median }, { x, y, hue }) {
  const row = run ? run.row : median.rows[0];
  const what = run ? `run ${sweepNow().run(row)} (${column("status").at(row)})` : `median of ${median.n} runs`;
  const value = run ? shown(run.y) : `${shown(median.median)} [${shown(median.low)}, ${shown(median.high)}]`;
  const colour = hue ? `, ${named(hue, hue.at(row))}` : "";
  return `${what}: ${labelOf(x)} ${shown((run || median).x)}, ${labelOf(y)} ${value}${colour}`;
}
function listen(node, places, columns) {
  const spot = svg("circle", { class: "spot", r: 7, visibility: "hidden" });
  node.append(spot);
  const go = (place) => {
    if (!place) { return; }
    cursor = place;
    spot.setAttribute("cx", place.px);
    spot.setAttribute("cy", place.py);
    spot.setAttribute("visibility", "visible");
    $("tip").textContent = told(place, columns);
  };
  const open = (place) => {
    if (place && place.run) { openRun(sweepNow().run(place.run.row)); }
    if (place && place.median) { openGroup(place.median.rows); }
  };
  const near = (event) => {
    const box = node.getBoundingClientRect(), [a, b] = [event.clientX - box.left, event.clientY - box.top];
    const far = (p) => (p.px - a) ** 2 + (p.py - b) ** 2 - (p.median ? 9 : 0);
    const best = places.reduce((p, q) => (p === null || far(q) < far(p) ? q : p), null);
    return best && far(best) < 24 ** 2 ? best : null;
  };
  node.addEventListener("pointermove", (event) => go(near(event)));
  node.addEventListener("click", (event) => { const place = near(event); go(place); open(place); });
  node.addEventListener("keydown", (event) => {
    const at = places.indexOf(cursor);
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const first = step > 0 ? 0 : places.length - 1;
      go(places[at < 0 ? first : Math.min(Math.max(at + step, 0), places.length - 1)]);
    }
    if (event.key === "Enter" && at >= 0) { open(places[at]); }
  });
}
