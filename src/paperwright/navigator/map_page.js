"use strict";
// Texts of records reach the page through textContent only; nothing of theirs is ever parsed as markup.
const byId = (name) => document.getElementById(name);
const data = JSON.parse(byId("data").textContent);
const bytes = Uint8Array.from(atob(data.points), (one) => one.charCodeAt(0));
const view = new DataView(bytes.buffer);
const count = bytes.length / 15;
const x = new Float32Array(count), y = new Float32Array(count), topic = new Uint16Array(count), decision = new Uint8Array(count);
for (let point = 0; point < count; point++) {
  const at = 15 * point;
  x[point] = view.getFloat32(at, true);
  y[point] = view.getFloat32(at + 4, true);
  topic[point] = view.getUint16(at + 8, true);
  decision[point] = view.getUint8(at + 10);
}
const [TITLE, AUTHORS, VENUE, YEAR, RATING, LINK] = [0, 1, 2, 3, 4, 5];
const NO_TOPIC = 65535, QUIET = "#8d8980";
const searched = data.papers.map((paper) => `${paper[TITLE]} ${paper[AUTHORS]}`.toLowerCase());
const topics = new Map(data.topics.filter((one) => one.number >= 0).map((one) => [one.number, one]));

const hue = (place) => `hsl(${(place * 137.508) % 360} 55% ${place % 2 ? 42 : 55}%)`;
const scale = (value, low, high) => `hsl(${250 - 230 * (value - low) / ((high - low) || 1)} 65% 50%)`;
const known = (column) => data.papers.map((paper) => paper[column]).filter((value) => value !== null && value !== "");
const colourings = {
  topic: { of: (point) => (topic[point] === NO_TOPIC ? QUIET : hue(topic[point])),
    rows: () => data.topics.map((one) => [one.number < 0 ? QUIET : hue(one.number), `${one.label}`, one.papers]) },
  decision: { of: (point) => (decision[point] ? hue(3 * decision[point]) : QUIET),
    rows: () => data.decisions.map((name, place) => [place ? hue(3 * place) : QUIET, name || "unknown", decision.filter((one) => one === place).length]).filter((row) => row[2]) },
  rating: ramp(RATING),
  year: ramp(YEAR),
};
function ramp(column) {
  const values = known(column);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity), high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { of: (point) => (data.papers[point][column] === null ? QUIET : scale(data.papers[point][column], low, high)),
    rows: () => [[scale(low, low, high), `${low}`, ""], [scale(high, low, high), `${high}`, ""]], empty: !values.length };
}
for (const [name, one] of Object.entries(colourings)) {
  if (one.empty || (name === "topic" && !topics.size)) continue;
  byId("colour").add(new Option(name, name));
}

const canvas = byId("map"), pen = canvas.getContext("2d");
let by = byId("colour").value, hits = null, hovered = -1, zoom = 1, centre = [0, 0], waiting = false;
const colours = () => Array.from({ length: count }, (_, point) => colourings[by].of(point));
let inks = by ? colours() : [];

function place(px, py) {
  const reach = 0.46 * zoom * Math.min(canvas.clientWidth, canvas.clientHeight);
  return [canvas.clientWidth / 2 + (px - centre[0]) * reach, canvas.clientHeight / 2 - (py - centre[1]) * reach, reach];
}
function draw() {
  waiting = false;
  const ratio = window.devicePixelRatio || 1, wide = canvas.clientWidth, high = canvas.clientHeight;
  canvas.width = wide * ratio;
  canvas.height = high * ratio;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const radius = Math.max(1.2, Math.min(5, 60 / Math.sqrt(count || 1) * Math.sqrt(zoom) + 1));
  const point = (one, size) => {
    const [px, py] = place(x[one], y[one]);
    if (px < -9 || py < -9 || px > wide + 9 || py > high + 9) return;
    pen.fillStyle = inks[one] || QUIET;
    pen.beginPath();
    pen.arc(px, py, size, 0, 6.2832);
    pen.fill();
  };
  pen.globalAlpha = hits ? 0.12 : 0.75;
  for (let one = 0; one < count; one++) point(one, radius);
  pen.globalAlpha = 1;
  if (hits) hits.forEach((one) => point(one, radius + 1));
  if (by === "topic") names(wide, high);
  if (hovered >= 0) {
    const [px, py] = place(x[hovered], y[hovered]);
    pen.strokeStyle = getComputedStyle(canvas).color;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(px, py, radius + 4, 0, 6.2832);
    pen.stroke();
  }
}
function names(wide, high) {
  const style = getComputedStyle(document.body), taken = [];
  pen.font = "600 12px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.lineWidth = 3;
  for (const one of [...topics.values()].sort((a, b) => b.papers - a.papers)) {
    const label = one.label.split(", ")[0];
    const [px, py] = place(...one.at), half = pen.measureText(label).width / 2 + 4;
    if (px < 0 || py < 0 || px > wide || py > high) continue;
    if (taken.some((other) => Math.abs(other[0] - px) < other[2] + half && Math.abs(other[1] - py) < 15)) continue;
    taken.push([px, py, half]);
    pen.strokeStyle = style.backgroundColor;
    pen.fillStyle = style.color;
    pen.strokeText(label, px, py);
    pen.fillText(label, px, py);
  }
}
function redraw() {
  if (!waiting) { waiting = true; requestAnimationFrame(draw); }
}
function nearest(px, py) {
  let best = -1, least = 14 * 14;
  for (let one = 0; one < count; one++) {
    const [ox, oy] = place(x[one], y[one]), away = (ox - px) ** 2 + (oy - py) ** 2;
    if (away < least) { least = away; best = one; }
  }
  return best;
}
function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent?.append(made);
  return made;
}
function about(point) {
  const paper = data.papers[point];
  const where = [paper[VENUE], paper[YEAR], data.decisions[decision[point]], paper[RATING] === null ? "" : `rating ${paper[RATING]}`];
  return [paper[AUTHORS], where.filter((one) => one !== "" && one !== null).join(" "), topics.get(topic[point])?.label ?? ""].filter(Boolean).join(" · ");
}
function hover(point, px, py) {
  hovered = point;
  const tip = byId("tip");
  tip.hidden = point < 0;
  if (point >= 0) {
    tip.replaceChildren();
    element("span", data.papers[point][TITLE], tip);
    element("small", about(point), tip);
    tip.style.left = `${Math.min(px + 12, Math.max(0, canvas.clientWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.min(py + 12, Math.max(0, canvas.clientHeight - tip.offsetHeight - 8))}px`;
  }
  redraw();
}
function open(point) {
  const link = point >= 0 ? data.papers[point][LINK] : "";
  if (/^https?:\/\//i.test(link)) window.open(link, "_blank", "noopener,noreferrer");
}
function legend() {
  byId("legend").replaceChildren();
  for (const [colour, name, papers] of by ? colourings[by].rows() : []) {
    const row = element("li", "", byId("legend"));
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg"), dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    drawing.setAttribute("viewBox", "0 0 2 2");
    drawing.setAttribute("aria-hidden", "true");
    for (const [key, value] of [["cx", 1], ["cy", 1], ["r", 1], ["fill", colour]]) dot.setAttribute(key, value);
    drawing.append(dot);
    row.append(drawing, name, " ");
    element("small", papers === "" ? "" : `${papers}`, row);
  }
}
function search() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = words.length ? [...searched.keys()].filter((point) => words.every((word) => searched[point].includes(word))) : null;
  byId("hits").replaceChildren();
  for (const point of (hits ?? []).slice(0, 100)) {
    const row = element("li", "", byId("hits")), paper = data.papers[point];
    const title = element(/^https?:\/\//i.test(paper[LINK]) ? "a" : "span", paper[TITLE], row);
    if (title.tagName === "A") Object.assign(title, { href: paper[LINK], target: "_blank", rel: "noopener noreferrer" });
    row.addEventListener("mouseenter", () => { hovered = point; redraw(); });
  }
  byId("status").textContent = `${hits ? `${hits.length} of ` : ""}${count} papers${data.note ? ` · ${data.note}` : ""}`;
  redraw();
}
function zoomed(factor, px = canvas.clientWidth / 2, py = canvas.clientHeight / 2) {
  const [, , before] = place(0, 0), next = Math.min(200, Math.max(0.5, zoom * factor));
  const dx = (px - canvas.clientWidth / 2) / before, dy = (canvas.clientHeight / 2 - py) / before, gain = 1 - zoom / next;
  centre = [centre[0] + dx * gain, centre[1] + dy * gain];
  zoom = next;
  redraw();
}

let held = null;
canvas.addEventListener("pointerdown", (event) => { held = [event.offsetX, event.offsetY, false]; canvas.setPointerCapture(event.pointerId); });
canvas.addEventListener("pointermove", (event) => {
  if (!held) return hover(nearest(event.offsetX, event.offsetY), event.offsetX, event.offsetY);
  const [, , reach] = place(0, 0), [fromX, fromY] = held;
  if (Math.hypot(event.offsetX - fromX, event.offsetY - fromY) < 3 && !held[2]) return;
  centre = [centre[0] - (event.offsetX - fromX) / reach, centre[1] + (event.offsetY - fromY) / reach];
  held = [event.offsetX, event.offsetY, true];
  redraw();
});
canvas.addEventListener("pointerup", (event) => { const moved = held?.[2]; held = null; if (!moved) open(nearest(event.offsetX, event.offsetY)); });
canvas.addEventListener("pointerleave", () => hover(-1));
canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoomed(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY); }, { passive: false });
canvas.addEventListener("keydown", (event) => {
  const step = 0.2 / zoom, moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
  if (moves) centre = [centre[0] + moves[0], centre[1] + moves[1]];
  else if (event.key === "+" || event.key === "=") zoomed(1.4);
  else if (event.key === "-") zoomed(1 / 1.4);
  else if (event.key === "0") { zoom = 1; centre = [0, 0]; } else return;
  event.preventDefault();
  redraw();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== byId("search")) { event.preventDefault(); byId("search").focus(); }
  if (event.key === "Escape") { byId("search").value = ""; search(); canvas.focus(); }
});
byId("search").addEventListener("input", search);
byId("colour").addEventListener("change", () => { by = byId("colour").value; inks = colours(); legend(); redraw(); });
new ResizeObserver(redraw).observe(canvas);
legend();
search();
