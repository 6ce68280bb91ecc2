"use strict";
// The rules of the figures (publish/aggregate.py, frames.py, variation.py, scales.py): a test holds
// the numbers of this file against theirs.

// Median of the finite values and the interval between two order statistics: the narrowest that
// covers the true median with the wanted probability, else the range with what that covers.
const ranks = new Map();
function rankOf(n, confidence) {
  if (!ranks.has(n)) {
    const all = 1n << BigInt(n); // probabilities are exact: integers over 2^n
    const share = (tail) => 1 - 2 * (Number((tail << 60n) / all) / 2 ** 60);
    let rank = 1, tail = 1n, ways = 1n;
    while (2 * rank < n) {
      ways = ways * BigInt(n - rank + 1) / BigInt(rank);
      if (share(tail + ways) < confidence) { break; }
      tail += ways;
      rank += 1;
    }
    ranks.set(n, [rank, Math.max(share(tail), 0)]);
  }
  return ranks.get(n);
}
function medianInterval(values, confidence) {
  const sample = values.filter(Number.isFinite).sort((a, b) => a - b);
  const n = sample.length;
  if (n === 0) { return { n, median: NaN, low: NaN, high: NaN, coverage: 0 }; }
  const [rank, coverage] = rankOf(n, confidence);
  const median = (sample[(n - 1) >> 1] + sample[n >> 1]) / 2;
  return { n, median, low: sample[rank - 1], high: sample[n - rank], coverage };
}

// Columns other than seeds in which runs of one group differ: such runs are not summarised.
function pooled(groups, columns, by, allowed) {
  const judged = columns.filter((column) => !by.includes(column.name) && !allowed.includes(column.name));
  return judged.filter((column) => groups.some(
    (rows) => rows.some((row) => column.at(row) !== column.at(rows[0]))));
}

function spanOf(counts) {
  const low = Math.min(...counts), high = Math.max(...counts);
  return low === high ? `${low}` : `${low}–${high}`;
}
function describeSeeds(groups, seeds) {
  const known = (rows, column) => new Set(rows.map((row) => column.at(row)).filter((v) => v !== null));
  const varying = seeds.filter(({ column }) => groups.some((rows) => known(rows, column).size > 1));
  if (!varying.length) { return "runs"; }
  const counts = groups.map((rows) => new Set(rows.map(
    (row) => varying.map(({ column }) => column.at(row)).join("/"))).size);
  return `${spanOf(counts)} seeds (${[...new Set(varying.map((seed) => seed.word))].join(", ")})`;
}
function describeInterval(coverages, confidence, seeds) {
  const found = [...new Set(coverages.filter((c) => c > 0))].sort((a, b) => a - b);
  if (!found.length) { return "Single runs"; }
  const wanted = `${100 * confidence}\u00a0%`;
  const least = `${Number((100 * found[0]).toPrecision(3))}\u00a0%`;
  if (found[0] >= confidence) { return `Median and ${wanted} interval over ${seeds}`; }
  return found[found.length - 1] < confidence
    ? `Median and range over ${seeds} (too few for ${wanted}: covers ${least})`
    : `Median and ${wanted} interval over ${seeds} (range where seeds are few: covers ${least})`;
}

// Where a logarithmic axis draws what has no logarithm; null if everything has one.
function floorOf(values) {
  const positive = values.filter((v) => v > 0);
  if (positive.length === values.length) { return null; }
  const least = positive.reduce((a, b) => Math.min(a, b), Infinity);
  return positive.length ? 10 ** (Math.floor(Math.log10(least)) - 1) : 1e-16;
}

// Distinct values: numbers ascending, text in order of appearance, what is missing last.
function levelsOf(values) {
  const seen = [...new Set(values)], known = seen.filter((v) => v !== null);
  if (known.every((v) => typeof v !== "string")) { known.sort((a, b) => a - b); }
  return known.length < seen.length ? [...known, null] : known;
}

// Numbers for people: four digits, or all that were kept; powers of ten in superscript.
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function power(exponent) {
  return (exponent < 0 ? "⁻" : "") + String(Math.abs(exponent)).replace(/\d/g, (d) => RAISED[d]);
}
function written(value, digits = 4) {
  if (value === null || Number.isNaN(value)) { return "–"; }
  if (typeof value === "boolean") { return value ? "yes" : "no"; }
  if (!Number.isFinite(value)) { return value > 0 ? "∞" : "−∞"; }
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) { return String(value).replace("-", "−"); }
  if (size >= 1e-3 && size < 1e6) {
    return String(Number(value.toPrecision(digits))).replace("-", "−");
  }
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return `${String(Number(mantissa)).replace("-", "−")}×10${power(Number(exponent))}`;
}
