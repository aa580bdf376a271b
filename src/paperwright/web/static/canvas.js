// Draws the map, alone in its sandbox. The page tells it numbers; it tells the page what the pointer does.
// It never sees a title, and it can reach nothing but the page that holds it.

const page = window.parent;
const tell = (message, move = []) => page.postMessage(message, "*", move);

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = address;
    element.onload = resolve;
    element.onerror = () => reject(new Error("the map's code could not be loaded"));
    document.head.append(element);
  });
}

async function start() {
  const { pubsub, scatterplot: code } = document.body.dataset;
  globalThis.createPubSub = (await import(pubsub)).default;
  await script(code);
  const probe = document.createElement("canvas");
  if (!probe.getContext("webgl")) throw new Error("this browser has no WebGL");
  return globalThis.createScatterplot.default({
    canvas: document.getElementById("points"),
    width: "auto",
    height: "auto",
    pointSize: 4,
    pointSizeSelected: 3,
    pointOutlineWidth: 2,
    opacityBy: "density",
    lassoOnLongPress: false, // its circle brings a style of its own, which the policy forbids
    lassoMinDelay: 8,
    spatialIndexUseWorker: false,
  });
}

let plot;
let drawing = Promise.resolve();
let caught = null; // the points in the lasso that is being drawn

/** The library draws no more than its idea of the screen holds, which in a frame may be another one's. */
function fit() {
  plot.get("renderer").resize(innerWidth, innerHeight);
}

function view() {
  const camera = plot.get("camera").view;
  tell({ kind: "view", scale: camera[0], x: camera[12], y: camera[13], width: innerWidth, height: innerHeight });
}

function pan(right, up, zoom = 1) {
  const camera = Float32Array.from(plot.get("camera").view);
  camera[12] = (camera[12] - right) * zoom;
  camera[13] = (camera[13] - up) * zoom;
  camera[0] *= zoom;
  camera[5] *= zoom;
  plot.view(camera);
}

/** The whole square from -1 to 1, in whichever way the window is narrower. */
function whole() {
  const camera = Float32Array.from(plot.get("camera").view);
  camera[0] = camera[5] = 0.97 * Math.min(1, innerWidth / innerHeight);
  camera[12] = camera[13] = 0;
  plot.view(camera);
}

const keys = {
  ArrowLeft: () => pan(-0.15, 0),
  ArrowRight: () => pan(0.15, 0),
  ArrowUp: () => pan(0, 0.15),
  ArrowDown: () => pan(0, -0.15),
  "+": () => pan(0, 0, 1.25),
  "-": () => pan(0, 0, 0.8),
};

let standing = null;

function stands(message) {
  standing = message;
  tell(message);
}

const said = {
  hello() {
    if (standing) tell(standing);
  },
  points({ x, y, category, lit, some, keep, move }) {
    const gently = move && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const options = { zDataType: "categorical", wDataType: "categorical", transition: gently, transitionDuration: 1500 };
    drawing = drawing.then(async () => {
      plot.set({ opacityBy: some ? "valueB" : "density", opacity: some ? [0.09, 0.92] : 0.8, sizeBy: some ? "valueB" : null, pointSize: some ? [2.5, 6] : size(x.length) });
      await plot.draw({ x, y, z: category, w: lit }, options);
      if (!keep) whole();
      view();
      tell({ kind: "drawn", points: x.length });
    });
  },
  colours({ page: background, points, active, lasso }) {
    plot.set({ backgroundColor: background, colorBy: "valueA", pointColor: points, pointColorActive: active, pointColorHover: active, lassoColor: lasso });
  },
  lasso({ on }) {
    plot.set({ mouseMode: on ? "lasso" : "panZoom" });
  },
  whole() {
    whole();
    view();
  },
  choose({ points }) {
    plot.select(points, { preventEvent: true });
  },
  clear() {
    plot.deselect({ preventEvent: true });
  },
};

const size = (count) => (count > 100_000 ? 1.5 : count > 20_000 ? 2.5 : count > 2_000 ? 5 : 7);

addEventListener("message", (event) => {
  if (event.source === page && Object.hasOwn(said, event.data?.kind)) said[event.data.kind](event.data);
});

start().then(
  (made) => {
    plot = made;
    plot.subscribe("view", view);
    plot.subscribe("pointOver", (point) => {
      const [x, y] = plot.getScreenPosition(point) ?? [0, 0];
      tell({ kind: "over", point, x, y });
    });
    plot.subscribe("pointOut", () => tell({ kind: "out" }));
    // A lasso selects before it ends, and selects nothing where it holds nothing.
    plot.subscribe("lassoStart", () => { caught = []; });
    plot.subscribe("lassoEnd", () => {
      tell({ kind: "chosen", points: caught ?? [] });
      caught = null;
    });
    plot.subscribe("select", ({ points }) => {
      if (caught) caught = [...points];
      else tell({ kind: points.length > 1 ? "chosen" : "opened", points: [...points] });
    });
    plot.subscribe("deselect", () => { if (!caught) tell({ kind: "cleared" }); });
    fit();
    addEventListener("resize", () => requestAnimationFrame(() => {
      fit();
      plot.redraw();
      view();
    }));
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (Object.hasOwn(keys, event.key)) { keys[event.key](); event.preventDefault(); return; }
      if (event.key.length === 1 || event.key === "Escape") { event.preventDefault(); tell({ kind: "key", key: event.key }); }
    });
    stands({ kind: "ready" });
  },
  (error) => stands({ kind: "failed", message: String(error.message ?? error) }),
);
