// The page: news in, numbers out. The canvas is drawn at the screen's pace, tables a few times a
// second and only while they are looked at.

import { config, show as showConfig } from "./config.js";
import { health, lookForNotices } from "./health.js";
import { latency } from "./latency.js";
import { $, badge, cardsInto, element, fetchJson, rows, save, set, span, state } from "./page.js";
import { refusal } from "./reasons.js";
import { record } from "./record.js";
import { Road, classColour, eventsOf, inputColour, lanesOf, leftOf, lightColour, projector, runningState, shapeOf, signsOf, turnsOf } from "./road.js";
import { offOf, signals } from "./signals.js";
import { isChinese, say, switchLanguage } from "./words.js";

const road = new Road($("road"));
/** Messages that are kept, as many as the unit keeps. */
const MOST = 500;
// For tests: what is shown can be read.
window.rsu = { state, road, offOf };
state.road = road;

/* ---- what comes ---- */

async function start() {
  translate();
  state.site = await fetchJson("api/v1/site");
  state.project = projector(state.site.lat_deg, state.site.lon_deg);
  road.home();
  listen();
  poll();
  before();
  setInterval(poll, 2000);
  setInterval(lookSeldom, 2000);
  setInterval(tables, 250);
  requestAnimationFrame(frame);
}

function listen() {
  const news = new EventSource("events");
  const on = (name, take) => news.addEventListener(name, (event) => take(JSON.parse(event.data)));
  news.onopen = () => (state.open = true);
  news.onerror = () => {
    state.open = false;
    // A replay that has ended does not come back.
    if (news.readyState === EventSource.CLOSED) state.over = true;
  };
  on("status", (status) => {
    state.before = state.status;
    state.status = status;
    state.statusAt = performance.now();
    state.past = [...state.past.slice(-5), status];
    head();
  });
  on("tracks", (tracks) => { if (!state.paused) { state.tracks = tracks; state.at = performance.now(); } });
  on("signals", (signals) => { if (!state.paused) state.signals = signals; });
  on("messages", (frames) => {
    // Who is slow is passed over: of what was sent meanwhile only the unit's own counters tell.
    if (frames[0] && state.newest !== null && frames[0].number !== state.newest + 1) state.skippedAt = performance.now();
    if (frames.length) state.newest = frames.at(-1).number;
    for (const frame of frames) {
      state.kinds.add(frame.kind);
      const sent = state.sent.get(frame.kind) ?? [];
      // Parts of one message are one message.
      if (sent.at(-1) !== frame.utc_ms) sent.push(frame.utc_ms);
      while (sent.length && sent[0] < frame.utc_ms - 5000) sent.shift();
      state.sent.set(frame.kind, sent);
    }
    if (!state.paused) state.frames = [...frames.reverse(), ...state.frames].slice(0, MOST);
  });
}

/** What changes seldom: the road and its events, as broadcast. */
async function poll() {
  try {
    const [map, events] = await Promise.all([fetchJson("api/v1/map"), fetchJson("api/v1/events")]);
    if (map.length) road.take(lanesOf(map, state.project));
    road.events = eventsOf(events, state.project);
  } catch {
    // The stream of news tells that there is no connection; this is asked for again.
  }
}

/* ---- what is shown ---- */

function frame() {
  const age_s = (performance.now() - state.at) / 1000;
  if (!$("live").hidden) {
    const ahead_s = state.paused ? 0 : Math.min(age_s, 1);
    if (state.follow) follow(ahead_s);
    road.draw(state.tracks, state.signals, ahead_s, state.picked);
  }
  requestAnimationFrame(frame);
}

/** Keeps the chosen road user in the middle; without one, that nearest to it. When it is gone, so is the wish. */
function follow(ahead_s) {
  const tracks = state.tracks?.tracks ?? [];
  if (state.picked === null) state.picked = road.nearest(tracks, road.centre)?.id ?? null;
  const track = tracks.find((known) => known.id === state.picked);
  if (track) road.centre = [track.east_m + track.east_mps * ahead_s, track.north_m + track.north_mps * ahead_s];
  else if (tracks.length) setFollow(false);
}

function setFollow(wanted) {
  state.follow = wanted;
  $("follow").ariaPressed = String(wanted);
  if (wanted) road.scale = Math.max(road.scale, 5);
}

function tables() {
  head();
  const page = current();
  if (page === "live") tiles();
  if (page === "signals") signals();
  if (page === "participants") participants();
  if (page === "messages") messages();
  if (page === "health") health();
  hint();
}

/** Tables that are wider than the screen show that they go on. */
function hint() {
  for (const wide of document.querySelectorAll("main > section:not([hidden]) .wide")) {
    wide.classList.toggle("more", wide.scrollWidth - wide.clientWidth - wide.scrollLeft > 4);
    wide.classList.toggle("before", wide.scrollLeft > 4);
  }
}

/** What is asked for, and only while it is looked at. */
function lookSeldom() {
  const page = current();
  if (page === "latency") latency();
  if (page === "record") record();
  if (page === "health") lookForNotices();
}

function head() {
  const { status, site } = state, age_s = (performance.now() - state.at) / 1000;
  if (status) {
    set($("unit"), status.unit);
    banner(status);
    badge($("ready"), say(!state.open && !state.over ? "notKnown" : status.ready ? "ready" : "notReady"), status.ready && state.open);
    set($("time"), `${new Date(status.utc_ms).toISOString().slice(0, 19).replace("T", " ")} UTC`);
    document.title = `${status.unit} · ${say(current())}`;
  }
  if (site) set($("site"), site.synthetic ? `${site.name} · ${say("synthetic")}` : site.name);
  const silent = silence(), stale = !state.open || silent !== null || age_s > 0.5;
  badge($("age"), state.over ? say("over") : !state.open ? say("lost") : state.paused ? say("paused")
    : silent ?? `${say("dataAge")} ${age_s.toFixed(1)} s`, state.paused ? state.open : !stale);
}

/** Protocols of signal controllers; of the others come road users, but for those that are silent where nobody is. */
const LAMPS = new Set(["gat1743", "gb20999", "ntcip", "spat-json"]), NEITHER = new Set(["gnss", "modbus", "heard"]);

const tellsLamps = (input) => LAMPS.has(input.protocol);
const seesUsers = (input) => !LAMPS.has(input.protocol) && !NEITHER.has(input.protocol);

/** Which data are old because nobody who tells them is heard, and how old; null while somebody is of each sort. */
function silence() {
  if (!state.status || state.status.replay !== null) return null;
  const since_s = (performance.now() - state.statusAt) / 1000;
  for (const [name, isOne] of [["signals", tellsLamps], ["road-users", seesUsers]]) {
    const heard = state.status.inputs.filter(isOne);
    if (!heard.length || heard.some((input) => !input.silent)) continue;
    const ages_s = heard.map((input) => input.age_s).filter((age_s) => age_s !== null);
    return `${say(name)} ${ages_s.length ? `${(Math.min(...ages_s) + since_s).toFixed(0)} s` : "–"}`;
  }
  return null;
}

/** What nobody may overlook: that this is a simulation, or a replay, and how far that is. */
function banner(status) {
  const past = status.replay !== null;
  $("banner").hidden = !status.simulated && !past;
  set($("banner-text"), [past ? say(state.over ? "replay-over" : "replayed", isChinese() ? status.replay.replace(/ of (?=\d{4}-)/, " ") : status.replay) : "", status.simulated ? say("simulated") : ""].filter(Boolean).join(" · "));
  $("played").hidden = !past;
  if (past) $("played").value = state.over ? 1 : status.replay_share;
  // A replay that a unit plays for us is beside that unit's own page.
  $("back").hidden = !past || !location.pathname.endsWith("/replay/");
}

/** Frames a second by the unit's counters, over the last seconds. */
function counted(kind) {
  const [first, last] = [state.past[0], state.past.at(-1)], span_s = (last.utc_ms - first.utc_ms) / 1000;
  const frames = (status) => status.sent.find((sent) => sent.kind === kind)?.frames ?? 0;
  return span_s > 1 ? (frames(last) - frames(first)) / span_s : 0;
}

function tiles() {
  const cards = [], isSkipping = performance.now() - state.skippedAt < 7000;
  const told = state.status?.inputs ?? [];
  for (const { kind, period_ms, frames } of state.status?.sent ?? []) {
    // What goes out at any junction is missed where it never did; of the rest there may be nothing to say.
    if (!frames && kind !== "MAP" && !(kind === "SPAT" && told.some(tellsLamps))) continue;
    const now = state.status.utc_ms, sent = state.sent.get(kind) ?? [];
    const span = sent.length > 1 ? (sent.at(-1) - sent[0]) / 1000 : 0;
    const rate = isSkipping ? counted(kind) : span > 0 ? (sent.length - 1) / span : 0, nominal = 1000 / period_ms;
    const fresh = isSkipping ? rate > 0 : sent.length && now - sent.at(-1) < 3 * period_ms + 1200;
    // Of a page that has just been opened nothing can be said.
    const young = performance.now() < 4 * period_ms + 2000;
    // A change of colour sends more SPAT than nominal; fewer is what is wrong.
    const bad = !young && (!fresh || rate < 0.9 * nominal);
    const shown = !state.open ? "–" : fresh && rate > 0 ? rate.toFixed(1) : young ? "–" : "0";
    cards.push([kind, shown, !state.open ? "" : bad ? "bad" : young ? "" : "good", say("nominal", nominal.toFixed(nominal % 1 ? 1 : 0))]);
  }
  cards.push([say("tracksNow"), `${state.tracks?.tracks.length ?? 0}`, ""]);
  cardsInto($("tiles"), cards);
  set($("legend"), say("legend"));
  chips();
  chosen();
  classes();
  sensors();
}

/** Every phase with its light, as a shape too, and what is left of it. */
function chips() {
  const age_s = (performance.now() - state.at) / 1000, since = state.paused ? 0 : age_s, phases = state.signals?.phases ?? [], place = $("phase-chips");
  // Without news a countdown would be a guess.
  const isKnown = state.open && (state.paused || age_s < 2);
  $("phase-part").hidden = !phases.length;
  while (place.childElementCount > phases.length) place.lastChild.remove();
  phases.forEach(({ phase }, i) => {
    let chip = place.children[i];
    if (!chip) {
      chip = place.appendChild(element("li"));
      chip.append(element("span", "", "dot"), element("span"), element("b"));
    }
    const now = isKnown ? runningState(state.signals, phase) : undefined, left = leftOf(now, since), [dot, name, rest] = chip.children;
    dot.className = `dot ${shapeOf(now?.light)}`;
    dot.style.background = lightColour(now?.light);
    dot.title = say(now?.light ?? "unknown");
    set(name, `${phase} ${signsOf(turnsOf(road.lanes, phase))}`);
    set(rest, left === null ? "–" : `${left < 5 ? left.toFixed(1) : Math.round(left)} s`);
  });
}

/** What is known of the road user that was chosen. */
function chosen() {
  const track = state.tracks?.tracks.find((known) => known.id === state.picked);
  $("picked-part").hidden = !track;
  if (!track) return;
  const told = (name) => { const [digits, unit] = UNITS[name]; return COLUMNS[name](track).toFixed(digits) + unit; };
  set($("picked-name"), `${say(track.class)} ${track.id} · ${told("speed")} · ${told("heading")}`);
  set($("picked-text"), say("picked-text", told("unseen"), COLUMNS.sources(track), told("alive"), told("east"), told("north"),
    track.length_m === null ? "–" : `${track.length_m.toFixed(1)} × ${track.width_m?.toFixed(1) ?? "–"} m`));
}

/** Which colour is which class, and how many there are. */
function classes() {
  const counts = new Map();
  for (const track of state.tracks?.tracks ?? []) counts.set(track.class, (counts.get(track.class) ?? 0) + 1);
  const told = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => {
    const chip = element("span"), swatch = element("span", "", "swatch");
    swatch.style.background = classColour(name);
    chip.append(swatch, `${say(name)} ${count}`);
    return chip;
  });
  const place = $("classes");
  if (place.textContent !== told.map((chip) => chip.textContent).join("")) place.replaceChildren(...told);
}

/** A switch for each input that has seen something, in its colour. */
function sensors() {
  const names = (state.status?.inputs ?? []).map((input) => input.name);
  for (const { input } of state.tracks?.detections ?? []) {
    if (road.inputs.includes(input)) continue;
    road.inputs.push(input);
    road.inputs.sort((a, b) => names.indexOf(a) - names.indexOf(b));
    $("sensors").replaceChildren(...road.inputs.map((name) => {
      const button = element("button", "", "toggle"), swatch = element("span", "", "swatch");
      button.type = "button";
      button.dataset.sensor = name;
      swatch.style.background = inputColour(road.inputs, name);
      button.append(swatch, name);
      button.ariaPressed = String(!road.hidden.has(name));
      button.onclick = () => {
        if (!road.hidden.delete(name)) road.hidden.add(name);
        button.ariaPressed = String(!road.hidden.has(name));
      };
      return button;
    }));
  }
}

const COLUMNS = {
  id: (t) => t.id, class: (t) => say(t.class),
  speed: (t) => Math.hypot(t.east_mps, t.north_mps) * 3.6,
  // Where it points, as the map draws it: who stands still goes nowhere.
  heading: (t) => Math.round(90 - (t.yaw_rad ?? Math.atan2(t.north_mps, t.east_mps)) * 180 / Math.PI + 720) % 360,
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
  set($("participants-hint"), say(tracks.length ? "participants-hint" : "participants-none", tracks.length));
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
  }, (track) => track.id === state.picked);
}

let isHeld = false;
$("frames").addEventListener("pointerdown", () => (isHeld = true));
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (isHeld = false));

/** The last 500, the newest on top: rows are put in as frames come, and stay what they are. */
function messages() {
  // What somebody is about to choose stays where it is.
  if (isHeld) return;
  const select = $("kind"), body = $("frames");
  for (const kind of ["", ...[...state.kinds].sort()]) {
    if (![...select.options].some((option) => option.value === kind)) select.add(new Option(kind || say("all"), kind));
  }
  select.options[0].text = say("all");
  if (body.dataset.kind !== select.value) { body.replaceChildren(); body.dataset.kind = select.value; }
  const newest = Number(body.rows[0]?.dataset.number ?? -1);
  const fresh = state.frames.filter((frame) => frame.number > newest && (!select.value || frame.kind === select.value));
  for (const f of fresh.reverse()) {
    const row = body.insertRow(0);
    row.dataset.number = f.number;
    row.className = "pick";
    row.tabIndex = 0;
    for (const text of [f.number, f.kind, new Date(f.utc_ms).toISOString().slice(11, 23), f.bytes, span(f.took_us), f.age_ms === null ? "–" : span(f.age_ms * 1e3)]) {
      row.insertCell().textContent = text;
    }
    row.onclick = () => choose(f.number);
    row.onkeydown = (event) => { if (event.key === "Enter") choose(f.number); };
  }
  while (body.rows.length > MOST) body.deleteRow(-1);
  for (const row of body.rows) row.classList.toggle("picked", Number(row.dataset.number) === state.message?.number);
  if (!state.message && !$("detail").textContent) $("detail").textContent = say("choose");
}

/** Those that were sent before the page was opened. */
async function before() {
  const told = await fetchJson(`api/v1/messages?limit=${MOST}`), known = new Set(state.frames.map((frame) => frame.number));
  for (const { kind } of told) state.kinds.add(kind);
  state.frames = [...state.frames, ...told.filter((frame) => !known.has(frame.number))].sort((a, b) => b.number - a.number).slice(0, MOST);
  $("frames").replaceChildren();
}

async function choose(number) {
  try {
    state.message = await fetchJson(`api/v1/messages/${number}`);
    set($("detail-name"), `${state.message.kind} #${number} · ${state.message.bytes} B`);
    messages();
    $("detail").textContent = `${dump(state.message.hex)}\n\n${JSON.stringify(state.message.message, null, 1)}`;
    $("download").disabled = $("download-bytes").disabled = false;
  } catch (error) {
    $("detail").textContent = String(error);
  }
}

/** Sixteen bytes a line, eight on a phone, each line with where it is. */
function dump(hex) {
  const wide = innerWidth < 600 ? 8 : 16, lines = hex.match(wide === 8 ? /.{1,16}/g : /.{1,32}/g) ?? [];
  return lines.map((line, i) => `${(wide * i).toString(16).padStart(4, "0")}  ${line.match(/../g).join(" ")}`).join("\n");
}

$("decode").onsubmit = async (event) => {
  event.preventDefault();
  const response = await fetch("api/v1/decode", { method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ hex: $("hex").value }) });
  const told = await response.json();
  set($("detail-name"), say("pasted"));
  $("detail").textContent = told.error ? refusal(told) : JSON.stringify(told.message, null, 1);
};

const fileName = (ending) => `${state.message.kind.replaceAll(" ", "-")}-${state.message.number}.${ending}`;
$("download").onclick = () => save(fileName("json"), JSON.stringify(state.message, null, 1), "application/json");
$("download-bytes").onclick = () => {
  const bytes = Uint8Array.from(state.message.hex.match(/../g), (pair) => parseInt(pair, 16));
  save(fileName("dsmp"), bytes, "application/octet-stream");
};

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
  if (page === "config") config();
  tables();
  lookSeldom();
}

function translate() {
  document.documentElement.lang = isChinese() ? "zh-CN" : "en";
  for (const place of document.querySelectorAll("[data-t]")) set(place, say(place.dataset.t));
  for (const place of document.querySelectorAll("[data-l]")) place.ariaLabel = say(place.dataset.l);
  for (const place of document.querySelectorAll("[data-h]")) place.title = say(place.dataset.h);
  $("language").textContent = isChinese() ? "English" : "中文";
  dress(localStorage.getItem("theme") ?? "auto");
}

const SIGNS = { auto: "◐", light: "☀", dark: "☾", bright: "✹" };
const THEMES = { auto: "auto", light: "light_", dark: "dark", bright: "bright" };

function dress(theme) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = theme === "auto" ? (dark ? "dark" : "light") : theme;
  set($("theme"), SIGNS[theme]);
  $("theme").ariaLabel = $("theme").title = say(THEMES[theme]);
  localStorage.setItem("theme", theme);
}

$("language").onclick = () => { switchLanguage(); translate(); showConfig(); turn(); };
$("theme").onclick = () => {
  const themes = Object.keys(THEMES);
  dress(themes[(themes.indexOf(localStorage.getItem("theme") ?? "auto") + 1) % themes.length]);
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dress(localStorage.getItem("theme") ?? "auto"));
$("closer").onclick = () => road.zoom(1.3);
$("farther").onclick = () => road.zoom(1 / 1.3);
$("home").onclick = () => { road.home(); state.picked = null; setFollow(false); };
$("follow").onclick = () => setFollow(!state.follow);
road.onPick = (at) => {
  const track = road.nearest(state.tracks?.tracks ?? [], at);
  const near = track && Math.hypot(track.east_m - at[0], track.north_m - at[1]) * road.scale < 30;
  state.picked = near ? track.id : null;
};
$("pause").onclick = () => { state.paused = !state.paused; $("pause").ariaPressed = String(state.paused); };
for (const toggle of document.querySelectorAll("[data-toggle]")) {
  toggle.onclick = () => {
    const name = toggle.dataset.toggle;
    road.show[name] = !road.show[name];
    toggle.ariaPressed = String(road.show[name]);
  };
}
addEventListener("hashchange", turn);
for (const wide of document.querySelectorAll(".wide")) wide.addEventListener("scroll", hint, { passive: true });
turn();
start();
