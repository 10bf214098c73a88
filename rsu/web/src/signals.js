// The signals view: a row a phase, its next minute, and how far off forecasts were since the unit began.

import { leftOf, lightColour, signsOf, turnsOf } from "./road.js";
import { $, element, paper, set, state } from "./page.js";
import { say } from "./words.js";

/** How far off the forecasts of a phase were, in seconds: mean, most and of how many. */
export function offOf(phase) {
  return state.signals?.off.find((known) => known.phase === phase) ?? null;
}

const LIGHT_WORD = (light) => say(light === "dark" ? "light-dark" : light ?? "unknown");
/** Protocols of signal controllers. */
const CONTROLLERS = ["gat1743", "gb20999", "ntcip", "spat-json"];
const ON_WHITE = ["red", "flashing-red", "dark"];

export function signals() {
  const { signals } = state, since = (performance.now() - state.at) / 1000;
  const age = signals?.age_s;
  const speakers = (state.status?.inputs ?? []).filter((input) => CONTROLLERS.includes(input.protocol));
  const source = speakers.map((input) => `${input.name} (${input.protocol}, ${input.age_s === null ? say("silent") : `${input.age_s.toFixed(1)} s`})`).join(", ");
  set($("signals-age"), age == null ? say("signal-none") : say("signal-age", (age + since).toFixed(1), source));
  $("signals-age").className = age != null && age + since > 2.5 ? "bad" : "";
  const body = $("phases"), phases = signals?.phases ?? [];
  while (body.rows.length > phases.length) body.deleteRow(-1);
  phases.forEach((phase, place) => {
    let row = body.rows[place];
    if (!row) {
      row = body.insertRow();
      for (let i = 0; i < 7; i++) row.insertCell();
      row.cells[1].append(element("span", "", "lamp"));
      row.cells[2].className = "left";
      row.insertCell().className = "band";
      row.cells[7].append(element("canvas"));
    }
    // On a phone each row is a block, and these say themselves what they are.
    for (const [cell, name] of [[3, "bounds"], [4, "basis"], [5, "sure"], [6, "error"]]) row.cells[cell].dataset.name = say(name);
    const now = phase.states[0], left = leftOf(now, since), seconds = (s) => (s == null ? "–" : Math.max(0, s - since).toFixed(1));
    set(row.cells[0], `${phase.phase} ${signsOf(turnsOf(state.road.lanes, phase.phase))}`.trim());
    const lamp = row.cells[1].firstChild;
    set(lamp, LIGHT_WORD(now?.light));
    lamp.style.background = lightColour(now?.light);
    lamp.style.color = ON_WHITE.includes(now?.light) ? "#fff" : "#000";
    set(row.cells[2], left === null ? "–" : `${left < 5 ? left.toFixed(1) : Math.round(left)} s`);
    set(row.cells[3], now?.min_end_s == null && now?.max_end_s == null ? "–" : `${seconds(now.min_end_s)} / ${seconds(now.max_end_s)} s`);
    set(row.cells[4], now?.basis ? say(now.basis) : say("unknown"));
    set(row.cells[5], now?.confidence == null ? "–" : `${Math.round(now.confidence * 100)} %`);
    const off = offOf(phase.phase);
    set(row.cells[6], off ? `${off.mean_s.toFixed(2)} / ${off.most_s.toFixed(2)} s (${off.count})` : "–");
    for (const cell of row.cells) cell.classList.toggle("none", cell.textContent === "–");
    band(row.cells[7].firstChild, phase.states, since);
  });
}

/** The next 60 seconds of a phase. */
function band(canvas, states, since) {
  const drawn = paper(canvas);
  if (!drawn) return;
  const { g, w, h } = drawn;
  for (const known of states) {
    const from = Math.max(0, (known.start_s ?? 0) - since), to = known.endless ? 60 : (known.likely_end_s ?? 0) - since;
    if (to <= 0) continue;
    g.fillStyle = lightColour(known.light);
    g.fillRect(from / 60 * w, 0, (Math.min(60, to) - from) / 60 * w, h);
  }
  g.fillStyle = "#0008";
  for (let s = 10; s < 60; s += 10) g.fillRect(s / 60 * w, h - 4, 1, 4);
}
