// The map's page: it asks for the points, keeps the texts, and tells the sandbox that draws what to draw.

import { ask, nameOfTag, press, say, tag } from "./page.js";

const $ = (id) => document.getElementById(id);
const frame = $("map-frame");
const labels = $("map-labels");
const SHOWN = 200; // papers that a lasso lists
const LIT = 500; // papers that a search lights at most
const filters = new URLSearchParams($("map-search").dataset.filters);
const map = { count: 0, x: null, y: null, topic: null, decision: null, index: null, meta: null, by: "topic", lit: null, view: null, values: {}, papers: new Map() };

// -- colours -----------------------------------------------------------------------------------------------------------

const style = () => getComputedStyle(document.documentElement);
const ink = (name) => style().getPropertyValue(`--${name}`).trim();
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Colours as far apart as one can tell: hues by the golden angle, two lightnesses in turn. */
function topicColour(place) {
  const hue = (place * 137.508 + 215) % 360;
  const light = (dark.matches ? 68 : 44) + (place % 2 ? 9 : 0) - (place % 3 === 2 ? 8 : 0);
  return hex(hue, 52, light);
}

function hex(hue, saturation, lightness) {
  const s = saturation / 100, l = lightness / 100, a = s * Math.min(l, 1 - l);
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (l - a * Math.max(-1, Math.min(k - 3, 9 - k, 1)))).toString(16).padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

/** From low to high on one path of colours, ever further from the page. */
function scaleColour(share) {
  const stops = dark.matches ? ["#3f444d", "#4f7fc0", "#dbe9ff"] : ["#d3cdbd", "#4a7fb5", "#16294d"];
  const [from, to] = share < 0.5 ? stops : stops.slice(1);
  const between = share < 0.5 ? 2 * share : 2 * share - 1;
  const channel = (at) => Math.round(parseInt(from.slice(at, at + 2), 16) * (1 - between) + parseInt(to.slice(at, at + 2), 16) * between).toString(16).padStart(2, "0");
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

// -- categories: for each way to colour, a number for each point, with names and colours ----------------------------------

const kinds = {
  async topic() {
    const { topics } = map.meta;
    const names = [...topics.map((topic) => topic.name), "unassigned"];
    const colours = [...topics.map((_, place) => topicColour(place)), ink("withdrawn")];
    const place = new Map(topics.map((topic, number) => [topic.number, number]));
    return { names, colours, of: (point) => place.get(map.topic[point]) ?? topics.length };
  },
  async decision() {
    const names = map.meta.decisions;
    const inks = { Oral: "oral", Spotlight: "spotlight", Poster: "poster", Accept: "poster", Reject: "reject" };
    return { names: names.map((name) => name || "unknown"), colours: names.map((name) => ink(inks[name] ?? "withdrawn")), of: (point) => map.decision[point] };
  },
  async rating() { return scaled(await valuesOf("rating"), 8, (low, high) => `${low.toFixed(1)} to ${high.toFixed(1)}`); },
  async year() {
    const values = await valuesOf("year");
    const years = [...new Set(values)].filter((year) => !Number.isNaN(year)).sort();
    if (years.length > 24) return scaled(values, 8, (low, high) => `${Math.round(low)} to ${Math.round(high)}`);
    const place = new Map(years.map((year, number) => [year, number]));
    const colours = years.map((_, number) => scaleColour(years.length > 1 ? number / (years.length - 1) : 1));
    return { names: [...years.map(String), "unknown"], colours: [...colours, ink("withdrawn")], of: (point) => place.get(values[map.index[point]]) ?? years.length };
  },
};

function scaled(values, bins, name) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  if (low > high) return { names: ["unknown"], colours: [ink("withdrawn")], of: () => 0 };
  const step = (high - low) / bins || 1;
  const names = Array.from({ length: bins }, (_, bin) => name(low + step * bin, low + step * (bin + 1)));
  const colours = names.map((_, bin) => scaleColour(bin / (bins - 1)));
  const of = (point) => {
    const value = values[map.index[point]];
    return Number.isNaN(value) || value === undefined ? bins : Math.min(bins - 1, Math.floor((value - low) / step));
  };
  return { names: [...names, "unknown"], colours: [...colours, ink("withdrawn")], of };
}

async function valuesOf(by) {
  map.values[by] ??= ask(`/api/map/values?by=${by}`).then((reply) => reply.arrayBuffer()).then((bytes) => new Float32Array(bytes));
  return map.values[by];
}

// -- drawing -----------------------------------------------------------------------------------------------------------------

const tell = (message, move = []) => frame.contentWindow.postMessage(message, "*", move);

async function draw({ keep = true, move = false } = {}) {
  const kind = await kinds[map.by]();
  const category = new Float32Array(map.count);
  const counts = new Array(kind.names.length).fill(0);
  const lit = new Float32Array(map.count);
  for (let point = 0; point < map.count; point += 1) {
    const place = kind.of(point);
    category[point] = place;
    counts[place] += 1;
    lit[point] = !map.lit || map.lit.has(map.index[point]) ? 1 : 0;
  }
  tell({ kind: "colours", page: ink("page"), points: kind.colours, active: ink("accent"), lasso: ink("link") });
  const [x, y] = [map.x.slice(), map.y.slice()];
  tell({ kind: "points", x, y, category, lit, some: Boolean(map.lit), keep, move }, [x.buffer, y.buffer, category.buffer, lit.buffer]);
  legend(kind, counts);
}

function legend(kind, counts) {
  const rows = kind.names.map((name, place) => ({ name, place, count: counts[place] })).filter((row) => row.count);
  if (map.by === "topic") rows.sort((a, b) => (a.name === "unassigned") - (b.name === "unassigned") || b.count - a.count);
  $("map-legend").replaceChildren(...rows.map(({ name, place, count }) => {
    const item = document.createElement("li");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    svg.setAttribute("viewBox", "0 0 10 10");
    for (const [key, value] of Object.entries({ cx: 5, cy: 5, r: 5, fill: kind.colours[place] })) dot.setAttribute(key, value);
    svg.append(dot);
    const topic = map.by === "topic" ? map.meta.topics[place] : null;
    const label = document.createElement(topic ? "a" : "span");
    if (topic) {
      label.href = `/topics/${topic.number}`;
      label.title = topic.label;
    }
    label.textContent = name;
    const number = document.createElement("span");
    number.className = "count";
    number.textContent = count.toLocaleString("en");
    item.append(svg, label, number);
    return item;
  }));
}

/** The topics' names at the middle of their papers, the largest first, none upon another. */
function drawLabels() {
  const { view } = map;
  if (!view || !map.meta) return;
  const ratio = devicePixelRatio || 1;
  labels.width = Math.round(view.width * ratio);
  labels.height = Math.round(view.height * ratio);
  labels.style.width = `${view.width}px`;
  labels.style.height = `${view.height}px`;
  const pen = labels.getContext("2d");
  pen.scale(ratio, ratio);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  const taken = [];
  const most = Math.round(14 * Math.max(1, view.scale));
  for (const topic of map.meta.topics.slice().sort((a, b) => b.count - a.count)) {
    if (taken.length >= most) break;
    const x = (1 + (view.scale * topic.x + view.x) * (view.height / view.width)) * view.width / 2;
    const y = (1 - (view.scale * topic.y + view.y)) * view.height / 2 - 13; // above its papers, not upon them
    pen.font = `600 ${topic.count > map.count / 40 ? 14 : 12.5}px ${ink("serif")}`;
    const wide = pen.measureText(topic.name).width / 2 + 8;
    if (x - wide < 0 || x + wide > view.width || y < 10 || y > view.height - 10) continue;
    if (taken.some((box) => Math.abs(box.x - x) < box.wide + wide && Math.abs(box.y - y) < 19)) continue;
    taken.push({ x, y, wide });
    pen.strokeStyle = ink("page");
    pen.lineWidth = 3;
    pen.strokeText(topic.name, x, y);
    pen.fillStyle = ink("ink");
    pen.fillText(topic.name, x, y);
  }
}

// -- texts, asked for when they are needed --------------------------------------------------------------------------------------

async function papersOf(points) {
  const missing = points.map((point) => map.index[point]).filter((index) => !map.papers.has(index));
  for (let start = 0; start < missing.length; start += 200) {
    const query = missing.slice(start, start + 200).map((index) => `point=${index}`).join("&");
    const { papers } = await (await ask(`/api/map/papers?${query}`)).json();
    for (const paper of papers) map.papers.set(paper.point, paper);
  }
  return points.map((point) => map.papers.get(map.index[point])).filter(Boolean);
}

/** Of some points those that are lit, the best first; all where no search dims any. */
function lit(points) {
  if (!map.lit) return points;
  const place = new Map([...map.lit].map((index, rank) => [index, rank]));
  const rank = (point) => place.get(map.index[point]);
  return points.filter((point) => rank(point) !== undefined).sort((a, b) => rank(a) - rank(b));
}

const papersSaid = (count) => (count === 1 ? "1 paper" : `${count ? count.toLocaleString("en") : "no"} papers`);
const addressOf = (paper) => `/papers/${encodeURIComponent(paper.id)}`;
let hovered = -1;
let begun = null;
let near = 0;

const heard = {
  ready: () => { begun ??= begin(); },
  failed: ({ message }) => absent(message),
  drawn: () => { $("map-wait").hidden = true; frame.dataset.drawn = String(map.count); },
  view: (view) => {
    map.view = view;
    drawLabels();
    clearTimeout(near);
    near = setTimeout(() => loadNear().catch((error) => say(error.message)), 180);
  },
  async over({ point, x, y }) {
    hovered = point;
    const [paper] = await papersOf([point]);
    if (hovered !== point || !paper) return;
    const tip = $("map-tip");
    tip.replaceChildren(paper.title);
    const small = document.createElement("small");
    small.textContent = [paper.authors, paper.venue, paper.decision].filter(Boolean).join(" · ");
    tip.append(small);
    tip.hidden = false;
    const stage = frame.getBoundingClientRect();
    tip.style.left = `${Math.min(x + 14, Math.max(0, stage.width - tip.offsetWidth - 8))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > stage.height ? y - tip.offsetHeight - 12 : y + 18}px`;
  },
  out() { hovered = -1; $("map-tip").hidden = true; },
  async opened({ points }) {
    const [paper] = await papersOf(points);
    if (paper) location.assign(addressOf(paper));
  },
  async chosen({ points }) {
    lasso(false);
    heard.out();
    const inside = lit(points);
    if (inside.length < points.length) tell(inside.length ? { kind: "choose", points: inside } : { kind: "clear" });
    const count = papersSaid(inside.length);
    $("map-said").textContent = map.lit ? `${count} of the ${map.lit.size.toLocaleString("en")} lit in the lasso` : `${count} in the lasso`;
    if (!inside.length) { heard.cleared(); return; }
    const shown = await papersOf(inside.slice(0, SHOWN));
    map.chosen = shown.map((paper) => paper.id);
    $("map-legend").hidden = true;
    $("map-chosen").hidden = false;
    $("map-tag").textContent = shown.length < inside.length ? `Tag these ${shown.length}` : "Tag all";
    $("map-chosen-title").textContent = shown.length < inside.length ? `${count}, ${shown.length} shown` : count;
    $("map-list").replaceChildren(...shown.map((paper) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = addressOf(paper);
      link.textContent = paper.title;
      item.append(link);
      return item;
    }));
    $("map-panel").scrollTop = 0;
    $("map-panel").scrollIntoView({ block: "nearest" });
    $("map-chosen-title").focus();
  },
  cleared() {
    const within = $("map-chosen").contains(document.activeElement);
    $("map-chosen").hidden = true;
    $("map-legend").hidden = false;
    if (within) $("map-lasso").focus();
  },
  key: ({ key }) => press(key),
};

addEventListener("message", (event) => {
  if (event.source === frame.contentWindow && Object.hasOwn(heard, event.data?.kind)) heard[event.data.kind](event.data);
});

// -- what the page offers ----------------------------------------------------------------------------------------------------------

function absent(message) {
  $("map-absent").firstChild.textContent = `The map cannot be drawn here: ${message}. The same papers stand below, topic by topic.`;
  $("map-absent").hidden = false;
  for (const id of ["map-stage", "map-bar", "map-help"]) $(id).hidden = true;
}

function lasso(on) {
  $("map-lasso").setAttribute("aria-pressed", String(on));
  tell({ kind: "lasso", on });
}

const aboutAll = () => (map.meta ? [papersSaid(map.meta.count), map.meta.note].filter(Boolean).join("; ") : "");

const litSaid = () => (map.lit.size < LIT ? `${papersSaid(map.lit.size)} lit` : `the first ${LIT} papers lit`);

async function light(query) {
  const said = $("map-said");
  if (!query.trim() && !filters.size) {
    map.lit = null;
    said.textContent = aboutAll();
  } else {
    const bytes = await (await ask(`/api/map/hits?${new URLSearchParams([["q", query], ["k", LIT], ...filters])}`)).arrayBuffer();
    if ($("map-q").value !== query) return;
    map.lit = new Set(new Uint32Array(bytes));
    said.textContent = litSaid();
  }
  await draw();
}

async function payload(address, pause = 700) {
  for (;;) {
    const reply = await ask(address);
    if (reply.status !== 202) return reply;
    const { seconds } = await reply.json();
    $("map-wait").textContent = `The map is being laid out … ${Math.round(seconds)} s so far`;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function begin() {
  try {
    map.meta = await (await payload("/api/map/about")).json();
    await load();
    await draw({ keep: false });
    if (filters.size || $("map-q").value) await light($("map-q").value);
    else $("map-said").textContent = aboutAll();
    if (map.meta.worth_refining && map.meta.method === "pacmap") await refine();
  } catch (error) {
    absent(error.message);
  }
}

/** All points; or of a large map those of its first tile, the others as one comes nearer. */
async function load() {
  if (map.meta.depth === null) take(await (await payload("/api/map")).arrayBuffer());
  else await loadTile(0, 0, 0);
}

/** The better layout is made while one looks at the first, and the points move to it. */
async function refine() {
  if (!map.lit) $("map-said").textContent = "a finer layout is being worked out";
  const meta = await (await payload("/api/map/refined", 4000)).json();
  const bytes = await (await payload("/api/map")).arrayBuffer();
  map.meta = meta;
  forget();
  take(bytes);
  await draw({ move: true });
  if (!map.lit) $("map-said").textContent = aboutAll();
}

// -- tiles of a large map: each is loaded once, when the view comes near enough -------------------------------------------------

const tiles = new Set();

async function loadTile(level, column, row) {
  const name = `${level}/${column}/${row}`;
  if (tiles.has(name)) return false;
  tiles.add(name);
  const bytes = await (await payload(`/api/map?tile=${name}`)).arrayBuffer();
  take(bytes);
  return bytes.byteLength > 0;
}

async function loadNear() {
  if (map.meta?.depth == null || !map.view) return;
  const { scale, x, y, width, height } = map.view;
  const across = width / height;
  const reach = (shift, half) => [(-half - shift) / scale, (half - shift) / scale];
  const [left, right] = reach(x, across), [bottom, top] = reach(y, 1);
  const wanted = [];
  for (let level = 1; level <= Math.min(map.meta.depth, Math.floor(Math.log2(Math.max(1, scale))) + 1); level += 1) {
    const tile = (value) => Math.min(2 ** level - 1, Math.max(0, Math.floor(((value + 1) / 2) * 2 ** level)));
    for (let column = tile(left); column <= tile(right); column += 1) {
      for (let row = tile(bottom); row <= tile(top); row += 1) wanted.push([level, column, row]);
    }
  }
  const loaded = await Promise.all(wanted.map((one) => loadTile(...one)));
  if (loaded.some(Boolean)) await draw();
}

function forget() {
  tiles.clear();
  map.count = 0;
}

/** Takes in the points of a payload: 15 bytes each, little-endian: x, y, topic, decision, id-index. */
function take(bytes) {
  const data = new DataView(bytes);
  const first = map.count;
  map.count += bytes.byteLength / 15;
  for (const [name, kind] of Object.entries({ x: Float32Array, y: Float32Array, topic: Uint16Array, decision: Uint8Array, index: Uint32Array })) {
    const grown = new kind(map.count);
    if (first) grown.set(map[name].subarray(0, first));
    map[name] = grown;
  }
  for (let point = first, at = 0; point < map.count; point += 1, at += 15) {
    map.x[point] = data.getFloat32(at, true);
    map.y[point] = data.getFloat32(at + 4, true);
    map.topic[point] = data.getUint16(at + 8, true);
    map.decision[point] = data.getUint8(at + 10);
    map.index[point] = data.getUint32(at + 11, true);
  }
}

let timer = 0;
$("map-q").addEventListener("input", (event) => {
  clearTimeout(timer);
  timer = setTimeout(() => light(event.target.value).catch((error) => say(error.message)), 150);
});
$("map-search").addEventListener("submit", (event) => event.preventDefault());
$("map-colour").addEventListener("change", (event) => { map.by = event.target.value; draw(); });
$("map-lasso").addEventListener("click", () => lasso($("map-lasso").getAttribute("aria-pressed") !== "true"));
$("map-whole").addEventListener("click", () => tell({ kind: "whole" }));
$("map-clear").addEventListener("click", () => { tell({ kind: "clear" }); heard.cleared(); $("map-said").textContent = map.lit ? litSaid() : aboutAll(); });
$("map-tag").addEventListener("click", async () => {
  const name = await nameOfTag($("map-chosen-title").textContent);
  if (!name) return;
  try {
    await tag(name, map.chosen);
    say(`${map.chosen.length} papers under ${name}`);
  } catch (error) {
    say(error.message);
  }
});
dark.addEventListener("change", () => draw().then(drawLabels));

$("map-absent").hidden = true;
for (const id of ["map-stage", "map-bar", "map-help"]) $(id).hidden = false;
// Whichever of the two was there first, this one asks and that one answers.
frame.addEventListener("load", () => tell({ kind: "hello" }));
tell({ kind: "hello" });
