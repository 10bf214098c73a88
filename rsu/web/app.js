// The page: news in, numbers out. The canvas is drawn at the screen's pace, tables a few times a
// second and only while they are looked at.

import { Road, eventsOf, lanesOf, leftOf, lightColour, projector } from "./road.js";
import { isChinese, say, switchLanguage } from "./words.js";

const $ = (id) => document.getElementById(id);
const road = new Road($("road"));
const state = { status: null, before: null, tracks: null, signals: null, site: null, at: 0, frames: [], paused: false,
  picked: null, sort: ["id", 1], sent: new Map(), open: false, message: null, kinds: new Set() };
// For tests: what is shown can be read.
window.rsu = { state, road };

/* ---- what comes ---- */

async function fetchJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

async function start() {
  translate();
  state.site = await fetchJson("/api/v1/site");
  state.project = projector(state.site.lat_deg, state.site.lon_deg);
  road.home();
  listen();
  poll();
  setInterval(poll, 2000);
  setInterval(tables, 250);
  requestAnimationFrame(frame);
}

function listen() {
  const news = new EventSource("/events");
  const on = (name, take) => news.addEventListener(name, (event) => take(JSON.parse(event.data)));
  news.onopen = () => (state.open = true);
  news.onerror = () => (state.open = false);
  on("status", (status) => { state.before = state.status; state.status = status; });
  on("tracks", (tracks) => { if (!state.paused) { state.tracks = tracks; state.at = performance.now(); } });
  on("signals", (signals) => { if (!state.paused) state.signals = signals; });
  on("messages", (frames) => {
    for (const frame of frames) {
      state.kinds.add(frame.kind);
      const sent = state.sent.get(frame.kind) ?? [];
      // Parts of one message are one message.
      if (sent.at(-1) !== frame.utc_ms) sent.push(frame.utc_ms);
      while (sent.length && sent[0] < frame.utc_ms - 5000) sent.shift();
      state.sent.set(frame.kind, sent);
    }
    if (!state.paused) state.frames = [...frames.reverse(), ...state.frames].slice(0, 500);
  });
}

/** What changes seldom: the road and its events, as broadcast. */
async function poll() {
  try {
    const [map, events] = await Promise.all([fetchJson("/api/v1/map"), fetchJson("/api/v1/events")]);
    if (map.length) road.lanes = lanesOf(map, state.project);
    road.events = eventsOf(events, state.project);
  } catch {
    // The stream of news tells that there is no connection; this is asked for again.
  }
}

/* ---- what is shown ---- */

function frame() {
  const age_s = (performance.now() - state.at) / 1000;
  if (!$("live").hidden) road.draw(state.tracks, state.signals, state.paused ? 0 : Math.min(age_s, 1), state.picked);
  requestAnimationFrame(frame);
}

function tables() {
  head();
  const page = current();
  if (page === "live") tiles();
  if (page === "signals") signals();
  if (page === "participants") participants();
  if (page === "messages") messages();
  if (page === "health") health();
}

function head() {
  const { status, site } = state, age_s = (performance.now() - state.at) / 1000;
  if (status) {
    $("unit").textContent = status.unit;
    $("banner").hidden = !status.simulated;
    badge($("ready"), say(status.ready ? "ready" : "notReady"), status.ready);
  }
  if (site) $("site").textContent = site.synthetic ? `${site.name} · ${say("synthetic")}` : site.name;
  const late = !state.open || age_s > 0.5;
  badge($("age"), state.open ? `${say("dataAge")} ${age_s.toFixed(1)} s` : say("lost"), !late);
}

function badge(element, text, good) {
  set(element, text);
  element.className = `badge ${good ? "good" : "bad"}`;
}

/** Touches the page only where something has changed. */
function set(element, text) { if (element.textContent !== text) element.textContent = text; }

function tiles() {
  const cards = [];
  for (const { kind, period_ms, frames } of state.status?.sent ?? []) {
    if (!frames) continue;
    const now = state.status.utc_ms, sent = state.sent.get(kind) ?? [];
    const span = sent.length > 1 ? (sent.at(-1) - sent[0]) / 1000 : 0;
    const rate = span > 0 ? (sent.length - 1) / span : 0, nominal = 1000 / period_ms;
    const fresh = sent.length && now - sent.at(-1) < 3 * period_ms + 1200;
    // Of a page that has just been opened nothing can be said.
    const young = performance.now() < 4 * period_ms + 2000;
    // A change of colour sends more SPAT than nominal; fewer is what is wrong.
    cards.push([kind, `${span > 0 ? rate.toFixed(1) : "–"} / ${nominal.toFixed(1)} Hz`, !young && (!fresh || rate < 0.9 * nominal)]);
  }
  cards.push([say("tracksNow"), `${state.tracks?.tracks.length ?? 0}`, false]);
  cardsInto($("tiles"), cards);
  set($("legend"), say("legend"));
}

function cardsInto(place, cards) {
  place.replaceChildren(...cards.map(([title, value, bad]) => {
    const card = element("div", title, `tile${bad ? " bad" : ""}`);
    card.append(element("b", value));
    return card;
  }));
}

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

const LIGHT_WORD = (light) => say(light === "dark" ? "light-dark" : light ?? "unknown");

function signals() {
  const { signals } = state, since = (performance.now() - state.at) / 1000;
  const age = signals?.age_s;
  set($("signals-age"), age == null ? say("signal-none") : say("signal-age", (age + since).toFixed(1)));
  const body = $("phases"), phases = signals?.phases ?? [];
  while (body.rows.length > phases.length) body.deleteRow(-1);
  phases.forEach((phase, place) => {
    let row = body.rows[place];
    if (!row) {
      row = body.insertRow();
      for (let i = 0; i < 6; i++) row.insertCell();
      row.cells[1].append(element("span", "", "lamp"));
      row.insertCell().className = "band";
      row.cells[6].append(element("canvas"));
    }
    const now = phase.states[0], left = leftOf(now, since), seconds = (s) => (s == null ? "–" : Math.max(0, s - since).toFixed(1));
    set(row.cells[0], String(phase.phase));
    const lamp = row.cells[1].firstChild;
    set(lamp, LIGHT_WORD(now?.light));
    lamp.style.background = lightColour(now?.light);
    lamp.style.color = ["yellow", "flashing-yellow", "red-yellow", "green", "flashing-green"].includes(now?.light) ? "#000" : "#fff";
    if (lamp.style.color !== "#000" && !["red", "flashing-red", "dark"].includes(now?.light)) lamp.style.color = "#000";
    set(row.cells[2], left === null ? "–" : `${left < 5 ? left.toFixed(1) : Math.round(left)} s`);
    set(row.cells[3], `${seconds(now?.min_end_s)} / ${seconds(now?.max_end_s)} s`);
    set(row.cells[4], now?.basis ? say(now.basis) : say("unknown"));
    set(row.cells[5], now?.confidence == null ? "–" : `${Math.round(now.confidence * 100)} %`);
    band(row.cells[6].firstChild, phase.states, since);
  });
}

/** The next 60 seconds of a phase. */
function band(canvas, states, since) {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  canvas.width = w * ratio;
  canvas.height = h * ratio;
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  for (const known of states) {
    const from = Math.max(0, (known.start_s ?? 0) - since), to = known.endless ? 60 : (known.likely_end_s ?? 0) - since;
    if (to <= 0) continue;
    g.fillStyle = lightColour(known.light);
    g.fillRect(from / 60 * w, 0, (Math.min(60, to) - from) / 60 * w, h);
  }
  g.fillStyle = "#0008";
  for (let s = 10; s < 60; s += 10) g.fillRect(s / 60 * w, h - 4, 1, 4);
}

const COLUMNS = {
  id: (t) => t.id, class: (t) => say(t.class),
  speed: (t) => Math.hypot(t.east_mps, t.north_mps) * 3.6,
  heading: (t) => (90 - Math.atan2(t.north_mps, t.east_mps) * 180 / Math.PI + 360) % 360,
  east: (t) => t.east_m, north: (t) => t.north_m, existence: (t) => t.existence,
  unseen: (t) => t.unseen_s, alive: (t) => t.alive_s,
  sources: (t) => t.sources.toString(2).replaceAll("0", "").length,
};
const UNITS = { speed: [1, " km/h"], heading: [0, "°"], east: [1, " m"], north: [1, " m"], existence: [2, ""], unseen: [1, " s"], alive: [1, " s"] };

function participants() {
  const [key, way] = state.sort, value = COLUMNS[key];
  if (!$("sort").childElementCount) {
    for (const name of Object.keys(COLUMNS)) {
      const cell = element("th"), button = element("button");
      button.type = "button";
      button.dataset.t = name;
      button.onclick = () => { state.sort = [name, state.sort[0] === name ? -state.sort[1] : 1]; tables(); };
      cell.append(button);
      $("sort").append(cell);
    }
    translate();
  }
  [...$("sort").cells].forEach((cell, place) => {
    cell.ariaSort = Object.keys(COLUMNS)[place] === key ? (way > 0 ? "ascending" : "descending") : "none";
  });
  const tracks = [...(state.tracks?.tracks ?? [])];
  tracks.sort((a, b) => { const [x, y] = [value(a), value(b)]; return way * (x < y ? -1 : x > y ? 1 : 0); });
  rows($("tracks"), tracks, (track) => Object.entries(COLUMNS).map(([name, read]) => {
    const [digits, unit] = UNITS[name] ?? [];
    const told = read(track);
    return unit === undefined ? String(told) : told.toFixed(digits) + unit;
  }), (track) => {
    state.picked = track.id;
    road.centre = [track.east_m, track.north_m];
    road.scale = Math.max(road.scale, 6);
    location.hash = "/live";
  });
}

/** As many rows as there are things; those that can be chosen can be by key too. */
function rows(body, things, cells, choose, isPicked) {
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

function messages() {
  const select = $("kind");
  for (const kind of ["", ...[...state.kinds].sort()]) {
    if (![...select.options].some((option) => option.value === kind)) select.add(new Option(kind || say("all"), kind));
  }
  select.options[0].text = say("all");
  const wanted = state.frames.filter((frame) => !select.value || frame.kind === select.value).slice(0, 100);
  rows($("frames"), wanted, (f) => [String(f.number), f.kind, new Date(f.utc_ms).toISOString().slice(11, 23), String(f.bytes),
    `${f.took_us.toFixed(0)} µs`, f.age_ms === null ? "–" : `${f.age_ms.toFixed(1)} ms`],
  (f) => choose(f.number), (f) => f.number === state.message?.number);
  if (!state.message && !$("detail").textContent) $("detail").textContent = say("choose");
}

async function choose(number) {
  try {
    state.message = await fetchJson(`/api/v1/messages/${number}`);
    $("detail").textContent = `${state.message.hex}\n\n${JSON.stringify(state.message.message, null, 1)}`;
    $("download").disabled = false;
  } catch (error) {
    $("detail").textContent = String(error);
  }
}

$("decode").onsubmit = async (event) => {
  event.preventDefault();
  const response = await fetch("/api/v1/decode", { method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ hex: $("hex").value }) });
  const told = await response.json();
  $("detail").textContent = told.error ?? JSON.stringify(told.message, null, 1);
};

$("download").onclick = () => {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(state.message, null, 1)], { type: "application/json" }));
  link.download = `${state.message.kind}-${state.message.number}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
};

function health() {
  const { status, before } = state;
  if (!status) return;
  const span = before ? (status.utc_ms - before.utc_ms) / 1000 : 0;
  const { clock, recording } = status;
  cardsInto($("summary"), [
    [say("uptime"), `${Math.floor(status.uptime_s / 60)} min ${Math.floor(status.uptime_s % 60)} s`, false],
    [say("clock"), clock?.synchronised ? `${say("synchronised")} ${clock.max_error_ms.toFixed(1)} ms` : say("unsynchronised"), !clock?.synchronised],
    [say("recording"), recording ? `${(recording.bytes / 1e6).toFixed(1)} MB` : say("off"), Boolean(recording?.trouble)],
    ["rsu", status.version, false],
  ]);
  const kinds = (counts) => Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(", ") || "0";
  rows($("inputs"), status.inputs, (input) => {
    const old = before?.inputs.find((known) => known.name === input.name);
    const rate = old && span > 0 ? ((input.reports - old.reports) / span).toFixed(1) : "–";
    return [input.name, input.link === "up" && input.silent ? say("silent") : say(input.link),
      input.age_s === null ? "–" : `${input.age_s.toFixed(1)} s`, rate, String(input.reports), kinds(input.rejected),
      kinds(input.tolerated), input.source];
  });
  const us = (value) => (value < 1000 ? `${value.toFixed(0)} µs` : `${(value / 1000).toFixed(1)} ms`);
  rows($("stages"), Object.entries(status.latency), ([name, told]) =>
    [say(name === "age" ? "agestage" : name), us(told.p50_us), us(told.p99_us), us(told.p999_us), us(told.max_us), String(told.count)]);
  const wrong = [...status.wrong, ...status.refused];
  for (const input of status.inputs) {
    if (input.why) wrong.push(say("do-down", input.name, input.why));
    else if (input.silent) wrong.push(say("do-silent", input.name));
  }
  for (const radio of status.radio) if (radio.trouble) wrong.push(say("do-radio", radio.target, radio.trouble));
  if (recording?.trouble) wrong.push(say("do-record", recording.trouble));
  if (!clock?.synchronised) wrong.push(say("do-clock"));
  $("wrong").replaceChildren(...(wrong.length ? wrong : [say("nothing")]).map((text) => element("li", text)));
}

/* ---- what is asked for ---- */

function current() {
  const wanted = location.hash.slice(2);
  return [...document.querySelectorAll("main > section")].some((section) => section.id === wanted) ? wanted : "live";
}

function turn() {
  const page = current();
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== page;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  tables();
}

function translate() {
  document.documentElement.lang = isChinese() ? "zh-CN" : "en";
  for (const place of document.querySelectorAll("[data-t]")) set(place, say(place.dataset.t));
  for (const place of document.querySelectorAll("[data-l]")) place.ariaLabel = say(place.dataset.l);
  $("language").textContent = isChinese() ? "English" : "中文";
  dress(localStorage.getItem("theme") ?? "auto");
}

const THEMES = { auto: "auto", light: "light_", dark: "dark", bright: "bright" };

function dress(theme) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = theme === "auto" ? (dark ? "dark" : "light") : theme;
  $("theme").textContent = say(THEMES[theme]);
  localStorage.setItem("theme", theme);
}

$("language").onclick = () => { switchLanguage(); translate(); turn(); };
$("theme").onclick = () => {
  const themes = Object.keys(THEMES);
  dress(themes[(themes.indexOf(localStorage.getItem("theme") ?? "auto") + 1) % themes.length]);
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dress(localStorage.getItem("theme") ?? "auto"));
$("closer").onclick = () => road.zoom(1.3);
$("farther").onclick = () => road.zoom(1 / 1.3);
$("home").onclick = () => { road.home(); state.picked = null; };
$("pause").onclick = () => { state.paused = !state.paused; $("pause").ariaPressed = String(state.paused); };
for (const toggle of document.querySelectorAll(".toggle")) {
  toggle.onclick = () => {
    const name = toggle.dataset.toggle;
    road.show[name] = !road.show[name];
    toggle.ariaPressed = String(road.show[name]);
  };
}
addEventListener("hashchange", turn);
turn();
start();
