// The health view: inputs, radio, the process and the clock, and the last warnings with what to do.

import { $, cardsInto, element, fetchJson, rows, set, size, span, state } from "./page.js";
import { phrase } from "./reasons.js";
import { say } from "./words.js";

let notices = [];

/** Asked for a few times a minute only. */
export async function lookForNotices() {
  try {
    notices = await fetchJson("api/v1/notices");
  } catch {
    // The stream of news tells that there is no connection.
  }
}

export function health() {
  const { status, before } = state;
  if (!status) return;
  const seconds = before ? (status.utc_ms - before.utc_ms) / 1000 : 0;
  const { clock, recording, machine } = status;
  const busy = machine && before?.machine && seconds > 0 ? (machine.processor_s - before.machine.processor_s) / seconds * 100 : null;
  const minutes = Math.floor(status.uptime_s / 60), bad = (wrong) => (wrong ? "bad" : "");
  const cards = [
    [say("uptime"), minutes < 60 ? `${minutes} min` : minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`, "", minutes < 60 ? `${Math.floor(status.uptime_s % 60)} s` : minutes < 2880 ? `${minutes % 60} min` : `${Math.floor(minutes / 60) % 24} h`],
    [say("clock"), clock?.synchronised ? `± ${span(clock.max_error_ms * 1e3)}` : say("unsynchronised"), clock?.synchronised ? "good" : "bad"],
    [say("processor"), busy === null ? "–" : `${busy.toFixed(1)} %`, "", say("of-a-core")],
    [say("memory"), machine ? size(machine.resident_bytes) : "–", ""],
    [say("threads"), machine ? String(machine.threads) : "–", ""],
    [say("disk"), status.disk.free_bytes === null ? "–" : size(status.disk.free_bytes), bad(status.disk.free_bytes !== null && status.disk.free_bytes < 5e8)],
    [say("temperature"), status.temperature_c === null ? "–" : `${status.temperature_c.toFixed(0)} °C`, bad(status.temperature_c > 85)],
    [say("recording"), recording?.on ? size(recording.bytes) : say("off"), recording?.trouble ? "bad" : recording?.on ? "good" : ""],
    [say("version"), status.version, ""],
  ];
  for (const input of status.inputs) {
    if (!input.receiver) continue;
    const { fix, satellites_used, hdop } = input.receiver;
    cards.push([`GNSS ${input.name}`, say(`fix-${fix}`), fix === "none" ? "bad" : "good", say("satellites", satellites_used ?? "–", hdop?.toFixed(1) ?? "–")]);
  }
  cardsInto($("summary"), cards);
  const kinds = (counts) => Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(", ") || "0";
  rows($("inputs"), status.inputs, (input) => {
    const old = before?.inputs.find((known) => known.name === input.name);
    const rate = old && seconds > 0 ? ((input.reports - old.reports) / seconds).toFixed(1) : "–";
    const dropped = { ...input.rejected };
    for (const kind of ["foreign", "overlong", "displaced"]) if (input[kind]) dropped[kind] = input[kind];
    return [input.name, input.link === "up" && input.silent ? say("silent") : say(input.link),
      input.age_s === null ? "–" : `${input.age_s.toFixed(1)} s`, rate, String(input.reports), kinds(dropped),
      kinds(input.tolerated), String(input.reconnects),
      clockOf(input), input.protocol, input.source];
  });
  status.inputs.forEach((input, place) => {
    $("inputs").rows[place].cells[1].className = input.link !== "up" || input.silent ? "bad" : "good";
  });
  const sensors = status.inputs.filter((input) => input.sensor);
  $("fares-part").hidden = !sensors.length;
  rows($("fares"), sensors, ({ name, sensor }) => [name, say(sensor.suspicion ?? "agrees"), sensor.rate_hz.toFixed(1),
    `${(sensor.age_s * 1e3).toFixed(0)} ms`, `${sensor.range_offset_m.toFixed(2)} m`, `${sensor.heading_offset_deg.toFixed(2)}°`,
    `× ${sensor.noise_along.toFixed(2)}`, `× ${sensor.noise_across.toFixed(2)}`]);
  sensors.forEach(({ sensor }, place) => { $("fares").rows[place].cells[1].className = sensor.suspicion ? "bad" : "good"; });
  rows($("radios"), status.radio, (radio) => [radio.target, String(radio.frames), String(radio.lost), radio.trouble === null ? say("up") : phrase(radio.trouble)]);
  const wrong = [...status.wrong, ...status.refused].map(phrase);
  for (const input of status.inputs) {
    if (input.why) wrong.push(say("do-down", input.name, phrase(input.why)));
    else if (input.silent) wrong.push(say("do-silent", input.name));
  }
  for (const radio of status.radio) if (radio.trouble) wrong.push(say("do-radio", radio.target, phrase(radio.trouble)));
  if (recording?.trouble) wrong.push(say("do-record", phrase(recording.trouble)));
  if (!clock?.synchronised) wrong.push(say("do-clock"));
  list($("wrong"), wrong, say("all-well"));
  $("verdict").className = `card ${wrong.length ? "bad" : "good"}`;
  const last = notices.map((notice) => `${new Date(notice.utc_ms).toISOString().slice(11, 19)} ${say(`notice-${notice.code}`, notice.subject, toldOf(notice))} ${say(`advice-${notice.code}`)}`);
  list($("notices"), last, say("nothing"));
}

/** Of somebody who is warned of: which sort, how long before, and how sure. */
function toldOf({ code, text }) {
  const [, kind, rest] = (code === "warning" && text.match(/^([a-z-]+), (.+)$/)) || [];
  return kind ? `${say(`warning-${kind}`)}, ${rest}` : phrase(text);
}

/** How far a device's clock is from ours; a tenth of a second of its messages' way looks like lag. */
function clockOf({ clock_behind_s: behind }) {
  if (behind === null) return "–";
  const off = span(Math.abs(behind) * 1e6);
  return say(behind < 0 ? "clock-before" : "clock-after", off);
}

function list(place, texts, none) {
  const told = texts.length ? texts : [none];
  while (place.childElementCount > told.length) place.lastChild.remove();
  told.forEach((text, i) => set(place.children[i] ?? place.appendChild(element("li")), text));
}
