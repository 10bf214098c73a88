// What all views of the page share: what is known, and the few ways to put it on the screen. Not
// here: any one view.

export const $ = (id) => document.getElementById(id);

/** All that came, and what the user chose. */
export const state = { status: null, before: null, tracks: null, signals: null, site: null, at: 0, frames: [], paused: false,
  picked: null, follow: false, sort: ["id", 1], sent: new Map(), open: false, over: false, statusAt: 0, message: null, kinds: new Set(), road: null,
  newest: null, skippedAt: -Infinity, past: [] };

export async function fetchJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** Touches the page only where something has changed. */
export function set(element, text) { if (element.textContent !== text) element.textContent = text; }

export function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

export function badge(element, text, good) {
  set(element, text);
  element.className = `badge ${good ? "good" : "bad"}`;
}

/** Cards of a title, a value, what that means (good, bad or nothing) and a word beside it. */
export function cardsInto(place, cards) {
  while (place.childElementCount > cards.length) place.lastChild.remove();
  cards.forEach(([title, value, mood, beside], i) => {
    let card = place.children[i];
    if (!card) {
      card = place.appendChild(element("div"));
      card.append(element("span"), element("b"), element("small"));
    }
    card.className = `tile ${mood}`;
    [title, value, beside ?? ""].forEach((text, part) => set(card.children[part], text));
  });
}

/** As many rows as there are things; those that can be chosen can be by key too. */
export function rows(body, things, cells, choose, isPicked) {
  while (body.rows.length > things.length) body.deleteRow(-1);
  things.forEach((thing, place) => {
    const row = body.rows[place] ?? body.insertRow(), texts = cells(thing);
    while (row.cells.length < texts.length) row.insertCell();
    texts.forEach((text, i) => set(row.cells[i], text));
    if (!choose) return;
    row.className = `pick${isPicked?.(thing) ? " picked" : ""}`;
    row.tabIndex = 0;
    row.onclick = () => choose(thing);
    row.onkeydown = (event) => { if (event.key === "Enter") choose(thing); };
  });
}

/** Microseconds for people. */
export const span = (us) => (us < 1000 ? `${us.toFixed(us < 10 ? 1 : 0)} µs` : us < 1e6 ? `${(us / 1e3).toFixed(us < 1e4 ? 2 : 1)} ms` : `${(us / 1e6).toFixed(2)} s`);

/** Bytes for people. */
export const size = (bytes) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);

/** A canvas of the size at which it is shown, cleared; null while it is hidden. */
export function paper(canvas) {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (!w || !h) return null;
  canvas.width = Math.round(w * ratio);
  canvas.height = Math.round(h * ratio);
  const g = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  g.scale(ratio, ratio);
  return { g, w, h, colour: (name) => style.getPropertyValue(name).trim() };
}

/** Hands bytes or text to the user as a file. */
export function save(name, content, type) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
