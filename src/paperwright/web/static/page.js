// What a page does beyond links and forms: keys, search as one types, tags without leaving the page.
// Nothing here makes markup from text: nodes are made, or a part of a page of ours is taken over whole.

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

/** Shows a short message that goes away by itself. */
export function say(message) {
  const toast = $("#toast");
  toast.textContent = message;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.textContent = ""; }, 3000);
}

/** Asks the interface; a refusal becomes an Error with the server's own words. */
export async function ask(address, options = {}) {
  const reply = await fetch(address, options);
  if (reply.ok) return reply;
  const told = await reply.json().catch(() => ({}));
  throw new Error(told.error?.message ?? `the server answered ${reply.status}`);
}

/** A part of one of our pages as a document, parsed by the browser without running anything. */
function part(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.setRequestHeader("X-Part", "results");
    request.onload = () => (request.status === 200 ? resolve(request.responseXML) : reject(new Error("no reply")));
    request.onerror = () => reject(new Error("the server does not answer"));
    request.onabort = () => reject(new Error("something else was asked for meanwhile"));
    request.send();
    part.last?.abort();
    part.last = request;
  });
}

// -- search as one types ----------------------------------------------------------------------------------------------

const box = $("#q");
const results = $("#results");
let asked = "";
let shown = Promise.resolve();
let timer = 0;

function addressOf(form) {
  const fields = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  return fields.size ? `/?${fields}` : "/";
}

/** Shows the results of an address; done once they stand there, whoever asked for them first. */
function show(address) {
  if (address !== asked) {
    asked = address;
    shown = replace(address);
  }
  return shown;
}

async function replace(address) {
  try {
    const found = await part(address);
    if (asked !== address) return;
    results.replaceChildren(...[...found.body.childNodes].map((node) => document.importNode(node, true)));
    history.replaceState({}, "", address);
    document.title = box.value ? `${box.value} · paperwright` : "paperwright";
  } catch {
    if (asked === address) asked = "";
  }
}

if (box && results) {
  asked = location.pathname + location.search;
  const form = box.form;
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(addressOf(form)), 110);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    show(addressOf(form)).then(() => { if (document.activeElement === box) entries()[0]?.focus(); });
  });
  addEventListener("popstate", () => location.reload());
  if (matchMedia("(max-width: 52rem)").matches) $(".facets")?.removeAttribute("open");
}

// -- what was not ready when the page was made ---------------------------------------------------------------------------

async function later(section) {
  while (section.hasAttribute("data-later")) {
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const made = (await part(location.pathname)).getElementById(section.id);
    const fresh = document.importNode(made, true);
    section.replaceWith(fresh);
    section = fresh;
  }
}

for (const section of $$("[data-later]")) later(section).catch((error) => say(error.message));

// -- the papers on the page, one of which is chosen ---------------------------------------------------------------------

const entries = () => $$(".entry");
const chosen = () => document.activeElement?.closest?.(".entry") ?? null;
const paper = () => chosen() ?? $("article.paper[data-id]");

function move(by) {
  const all = entries();
  if (!all.length) return;
  const now = all.indexOf(chosen());
  const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by))];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  const bounds = next.getBoundingClientRect();
  if (bounds.top < 20 || bounds.bottom > innerHeight - 20) next.scrollIntoView({ block: "center" });
}

// -- tags ------------------------------------------------------------------------------------------------------------------

const tagging = $("#tagging");
const tagAddress = (name, id) => `/api/tags/${encodeURIComponent(name)}/${encodeURIComponent(id)}`;

/** Puts papers under a tag. */
export async function tag(name, ids) {
  for (const id of ids) await ask(tagAddress(name, id), { method: "PUT" });
}

function chipsOf(target) {
  const within = target.matches(".paper") ? $("#paper-tags") : $(".chips", target);
  return $$(".chip", within ?? target).map((chip) => chip.textContent);
}

function showChip(target, name) {
  if (chipsOf(target).includes(name)) return;
  const link = document.createElement("a");
  link.className = "chip";
  link.href = `/lists/${encodeURIComponent(name)}`;
  link.textContent = name;
  if (target.matches(".paper")) {
    const item = document.createElement("li");
    item.append(link, remover(target, name, item));
    $("#paper-tags").append(item);
    return;
  }
  let chips = $(".chips", target);
  if (!chips) {
    chips = document.createElement("p");
    chips.className = "chips";
    target.append(chips);
  }
  chips.append(link);
}

function remover(target, name, item) {
  const button = document.createElement("button");
  button.className = "remove";
  button.type = "button";
  button.textContent = "×";
  button.setAttribute("aria-label", `Remove the tag ${name}`);
  button.addEventListener("click", () => untag(target, name, item));
  return button;
}

async function untag(target, name, item) {
  try {
    await ask(tagAddress(name, target.dataset.id), { method: "DELETE" });
    item.remove();
    for (const chip of $$(".chip", target)) if (chip.textContent === name && !chip.closest("#paper-tags")) chip.remove();
    say(`No longer under ${name}`);
  } catch (error) {
    say(error.message);
  }
}

/** Asks in a dialog for the name of a tag; null if none is given. */
export async function nameOfTag(what, now = []) {
  $("#tagging-what").textContent = what;
  $("#tagging-now").replaceChildren(...now);
  const field = $("#tagging-name");
  field.value = "";
  tagging.returnValue = "";
  tagging.showModal();
  ask("/api/tags").then((reply) => reply.json()).then(
    ({ tags }) => $("#tagging-known").replaceChildren(...Object.keys(tags).map((name) => new Option(name, name))),
    (error) => say(error.message),
  );
  await new Promise((resolve) => tagging.addEventListener("close", resolve, { once: true }));
  return tagging.returnValue === "tag" ? field.value.trim() || null : null;
}
$("#tagging-close").addEventListener("click", () => tagging.close());

async function openTagging(target) {
  if (!target?.dataset.id) return;
  const now = chipsOf(target).map((name) => {
    const item = document.createElement("span");
    item.className = "chip";
    item.append(name, remover(target, name, item));
    return item;
  });
  const name = await nameOfTag($("h1, h3", target).textContent, now);
  target.focus?.({ preventScroll: true });
  if (name) addTag(target, name);
}

async function addTag(target, name) {
  try {
    await tag(name, [target.dataset.id]);
    showChip(target, name.replace(/\s+/g, " "));
    say(`Under ${name}`);
  } catch (error) {
    say(error.message);
  }
}

for (const form of $$("#paper-tags form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    untag(form.closest(".paper"), form.elements.name.value, form.closest("li"));
  });
}
for (const form of $$("form[data-enhance=tag]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = form.elements.name.value.trim();
    form.elements.name.value = "";
    if (name) addTag(form.closest(".paper"), name);
  });
}

// -- keys ---------------------------------------------------------------------------------------------------------------------

const keys = {
  "/": () => { const field = $("#map-bar:not([hidden]) #map-q") ?? box ?? $("input[type=search]"); if (field) { field.focus(); field.select(); } else location.assign("/"); },
  j: () => move(1),
  k: () => move(-1),
  o: () => { const address = chosen()?.dataset.address; if (address) location.assign(address); },
  s: () => {
    const now = chosen();
    if (now?.dataset.id) location.assign(`${now.dataset.address}#similar`);
    else $("#similar")?.scrollIntoView();
  },
  t: () => openTagging(paper()),
  m: () => location.assign(box && results ? `/map${addressOf(box.form).slice(1)}` : "/map"),
  "?": () => $("#keys").showModal(),
};

/** Does what a key means; true if it means something. */
export function press(key) {
  if (key === "Escape") {
    if (document.activeElement?.matches?.("input, textarea, select")) document.activeElement.blur();
    else if (chosen()) document.activeElement.blur();
    else if (document.referrer.startsWith(location.origin) && history.length > 1) history.back();
    else if (location.pathname !== "/") location.assign("/");
    return true;
  }
  if (!(key in keys)) return false;
  keys[key]();
  return true;
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $("dialog[open]")) return;
  const typing = event.target.matches?.("input, textarea, select");
  if (typing && event.key === "ArrowDown" && event.target === box) { event.preventDefault(); move(1); return; }
  if (typing && event.key !== "Escape") return;
  if (press(event.key)) event.preventDefault();
});
