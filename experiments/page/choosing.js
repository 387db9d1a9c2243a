// The rule of ecotrack/fronts/choosing.py, and the numbers of ecotrack/reading.py, in the page.
// A browser test compares both with Python's.

function cost(candidate, predictions, scale) {
  const once = candidate.training_g * scale;
  const perThousand = candidate.inference_g_per_1k * scale;
  return once + (perThousand * predictions) / 1000;
}

// Which points {cost, gain} no other beats: none is as good in both and better in one.
function onFront(points) {
  return points.map((one) =>
    !points.some((other) =>
      other.cost <= one.cost && other.gain >= one.gain
      && (other.cost < one.cost || other.gain > one.gain)));
}

// Index of the member nearest to having both at once, costs as powers of ten.
function knee(points) {
  const logs = points.map((p) => ({ cost: Math.log10(p.cost), gain: p.gain }));
  const mask = onFront(logs);
  const members = logs
    .map((p, index) => ({ ...p, index }))
    .filter((p) => mask[p.index])
    .sort((a, b) => a.cost - b.cost || b.gain - a.gain);
  const span = (key) => {
    const all = members.map((p) => p[key]);
    const low = Math.min(...all);
    const high = Math.max(...all);
    return { low, high, extent: high > low ? high - low : 1 };
  };
  const costs = span("cost");
  const gains = span("gain");
  const ways = members.map((p) => {
    const way = (p.cost - costs.low) / costs.extent + (gains.high - p.gain) / gains.extent;
    return Math.round(way * 1e12) / 1e12;
  });
  return members[ways.indexOf(Math.min(...ways))].index;
}

// The cheapest candidate that meets the need; `chosen` is null where none does.
// need: {kind: "least" (percent), "within" (points below the best) or "knee", value}
function choose(candidates, need, predictions, scale = 1) {
  const points = candidates.map((candidate) => ({
    candidate, cost: cost(candidate, predictions, scale), gain: candidate.bound,
  }));
  const mask = onFront(points);
  const front = points.filter((_, i) => mask[i]).sort((a, b) => a.cost - b.cost);
  if (!front.length) return { chosen: null, best: null, able: [], floor: null };
  const best = front.reduce((a, b) => (b.gain > a.gain ? b : a));
  let at;
  let floor;
  let able = points;
  if (need.kind === "knee") {
    at = knee(front);
    floor = front[at].gain;
  } else {
    floor = need.kind === "least" ? need.value / 100 : best.gain - need.value / 100;
    able = points.filter((p) => p.gain >= floor - 1e-9);
    at = front.findIndex((p) => able.includes(p));
  }
  const told = (index) => (front[index] ? front[index].candidate : null);
  return {
    chosen: at < 0 ? null : told(at),
    cheaper: at < 0 ? null : told(at - 1),
    dearer: at < 0 ? null : told(at + 1),
    best: best.candidate,
    able: able.map((p) => p.candidate),
    floor,
  };
}

const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"],
  [1e-9, "n"], [1e-12, "p"], [1e-15, "f"]];

// Three digits, as Python's :.3g writes them.
function digits(value) {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(2).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 3) return String(Number(value.toPrecision(3)));
  const sign = power < 0 ? "-" : "+";
  return `${Number(mantissa)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

function prefix(value) {
  return PREFIXES.find(([size]) => Math.abs(Number(value.toPrecision(3))) >= size) || [1, ""];
}

function quantity(value, unit) {
  const [scale, letter] = prefix(value);
  return `${digits(value / scale)} ${letter}${unit}`;
}

// With its band, such as `1.23 mg (0.683–2.21)`.
function amount(value, low, high, unit) {
  const text = quantity(value, unit);
  if (low === null || high === null) return text;
  const [scale] = prefix(value);
  const end = (x) => String(Number((x / scale).toPrecision(3)));
  return `${text} (${end(low)}–${end(high)})`;
}

// What recorded grams are for another grid; `intensity` in g/kWh, 0: as recorded.
function repriced(price, intensity) {
  const { g, low, high, wh } = price;
  if (!(intensity > 0) || !(wh > 0) || !(g > 0)) return price;
  const times = (wh * intensity) / 1000 / g;
  const scaled = (x) => (x === null ? null : x * times);
  return { g: g * times, low: scaled(low), high: scaled(high), wh };
}
