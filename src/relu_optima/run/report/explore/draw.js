// Drawing: scales, ticks, and one panel as SVG with the places of everything that can be clicked.
function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) { node.setAttribute(key, value); }
  node.append(...children);
  return node;
}

function linearTicks(low, high, count, whole) {
  const rough = (high - low) / count, base = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].find((k) => k * base >= rough) * base, whole ? 1 : 0);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}
function logTicks(low, high, count) {
  const decades = Math.log10(high / low);
  const subs = decades < 1.5 ? [1, 2, 5] : decades < 3 ? [1, 3] : [1];
  const every = Math.max(1, Math.ceil(decades / count));
  const ticks = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k += 1) {
    if (k % every === 0) { ticks.push(...subs.map((s) => Number((s * 10 ** k).toPrecision(3)))); }
  }
  const inside = ticks.filter((t) => t >= low * 0.999 && t <= high * 1.001);
  return inside.length > 1 ? inside : linearTicks(low, high, count, false).filter((t) => t > 0);
}

// An axis: from values to a share of its length, with ticks. Categories keep half a place free.
function axisOf({ values, levels, log, label, name }, ticks) {
  if (levels) {
    const n = levels.length, at = new Map(levels.map((level, k) => [level, (k + 0.5) / n]));
    return { label, place: (v) => at.get(v), ticks: levels.map((v) => [at.get(v), name(v)]), room: 1 / n };
  }
  const finite = values.filter(Number.isFinite);
  const floor = log ? floorOf(finite) : null;
  const lifted = finite.map((v) => (floor !== null && v <= 0 ? floor : v));
  let [low, high] = lifted.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  if (!lifted.length) { [low, high] = [0, 1]; }
  const to = log ? Math.log10 : (v) => v, from = log ? (v) => 10 ** v : (v) => v;
  const margin = (to(high) - to(low)) * 0.05 || (log ? 0.3 : Math.abs(high) * 0.1 || 0.5);
  const [first, last] = [to(low) - margin, to(high) + margin];
  const place = (v) => (to(floor !== null && v <= 0 ? floor : v) - first) / (last - first);
  const whole = !log && finite.every(Number.isInteger);
  const distinct = [...new Set(lifted)].sort((a, b) => a - b);
  const apart = distinct.every((v, k) => k === 0 || place(v) - place(distinct[k - 1]) > 1 / ticks);
  const marks = distinct.length > 1 && distinct.length <= ticks && apart ? distinct
    : (log ? logTicks : linearTicks)(from(first), from(last), ticks, whole);
  return { label, place, floor, ticks: marks.map((v) => [place(v), written(v)]), room: 0 };
}

const SHAPES = [
  (x, y) => `M${x - 4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z`,
  (x, y) => `M${x - 3.5},${y - 3.5}h7v7h-7z`,
  (x, y) => `M${x},${y - 4.5}l4.2,7.5h-8.4z`,
  (x, y) => `M${x},${y - 4.8}l4.8,4.8l-4.8,4.8l-4.8,-4.8z`,
  (x, y) => `M${x},${y + 4.5}l4.2,-7.5h-8.4z`,
  (x, y) => `M${x - 1.6},${y - 4.5}h3.2v2.9h2.9v3.2h-2.9v2.9h-3.2v-2.9h-2.9v-3.2h2.9z`,
  (x, y) => `M${x},${y - 4.6}l4,2.3v4.6l-4,2.3l-4,-2.3v-4.6z`,
];
const DASHES = ["", "6 3", "6 2 1 2", "1.5 2", "6 2 1 2 1 2"];
const CROSS = (x, y) => `M${x - 3.5},${y - 3.5}l7,7m0,-7l-7,7`;
const EDGE = { left: 58, right: 12, top: 40, bottom: 42 };

// One panel. `runs` are {row, x, y, hue, ok}, `medians` {x, hue, rows, median, low, high}; returns
// its node and the places {px, py, run or median} in reading order.
function drawPanel({ title, width, height, x, y, hues, runs, medians }) {
  const wide = width - EDGE.left - EDGE.right, high = height - EDGE.top - EDGE.bottom;
  const shift = (hue) => (x.room ? (hue + 0.5 - hues.length / 2) * x.room * 0.6 / hues.length : 0);
  const px = (v, hue) => Math.round(10 * (EDGE.left + wide * (x.place(v) + shift(hue)))) / 10;
  const py = (v) => Math.round(10 * (EDGE.top + high * (1 - y.place(v)))) / 10;
  const node = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, tabindex: 0,
    role: "application", "aria-roledescription": "chart" });
  const text = (content, at) => svg("text", at, content);
  for (const [share, name] of y.ticks) {
    const h = EDGE.top + high * (1 - share);
    node.append(svg("path", { class: "grid", d: `M${EDGE.left},${h}h${wide}` }),
      text(name, { x: EDGE.left - 6, y: h + 4, "text-anchor": "end" }));
  }
  const letters = Math.max(3, Math.floor(wide / x.ticks.length / 6.2));
  const thin = x.room && letters < 6 && x.ticks.length > 4 ? Math.ceil(6 / letters) : 1;
  x.ticks.forEach(([share, name], k) => {
    if (k % thin) { return; }
    const v = EDGE.left + wide * share, fits = letters * thin;
    const label = text(name.length > fits && x.room ? `${name.slice(0, fits - 1)}…` : name,
      { x: v, y: height - EDGE.bottom + 16, "text-anchor": "middle" });
    label.append(svg("title", {}, name));
    node.append(svg("path", { class: "grid", d: `M${v},${EDGE.top}v${high}` }), label);
  });
  node.append(svg("path", { class: "frame", d: `M${EDGE.left},${EDGE.top}v${high}h${wide}` }),
    text(title, { x: EDGE.left, y: 13, class: "title" }),
    text(y.label, { x: 4, y: 30, class: "axis" }),
    text(x.label, { x: EDGE.left + wide / 2, y: height - 6, class: "axis", "text-anchor": "middle" }));
  const places = [];
  hues.forEach((style, hue) => {
    const own = medians.filter((m) => m.hue === hue && m.n);
    if (!x.room && own.length > 1) {
      const ends = (key) => own.map((m) => `${px(m.x, hue)},${py(m[key])}`);
      node.append(svg("path", { class: "band", fill: style.colour,
        d: `M${ends("high").join("L")}L${ends("low").reverse().join("L")}z` }),
      svg("path", { class: "line", stroke: style.colour, "stroke-dasharray": DASHES[hue % DASHES.length],
        d: `M${ends("median").join("L")}` }));
    }
    const mine = runs.filter((run) => run.hue === hue);
    const beside = x.room && own.length ? 9 : 0; // a whisker would hide them
    for (const run of mine) { places.push({ px: px(run.x, hue) + beside, py: py(run.y), run }); }
    const dots = places.slice(places.length - mine.length);
    const path = (list, form) => list.map((p) => form(p.px, p.py)).join("");
    node.append(
      svg("path", { class: medians.length ? "dots" : "dots alone", stroke: style.colour,
        d: path(dots.filter((p) => p.run.ok), (a, b) => `M${a},${b}h0`) }),
      svg("path", { class: "crosses", stroke: style.colour, d: path(dots.filter((p) => !p.run.ok), CROSS) }));
    if (x.room) {
      node.append(svg("path", { class: "whisker", stroke: style.colour,
        d: own.map((m) => `M${px(m.x, hue)},${py(m.low)}V${py(m.high)}`).join("") }));
    }
    const marks = own.map((median) => ({ px: px(median.x, hue), py: py(median.median), median }));
    node.append(svg("path", { class: "marks", fill: style.colour, d: path(marks, SHAPES[hue % SHAPES.length]) }));
    places.push(...marks);
  });
  places.sort((a, b) => a.px - b.px || b.py - a.py);
  return { node, places };
}
