// The health view: inputs, radio, the process and the clock, and the last warnings with what to do.

import { $, cardsInto, element, fetchJson, rows, set, size, state } from "./page.js";
import { say } from "./words.js";

let notices = [];

/** Asked for a few times a minute only. */
export async function lookForNotices() {
  try {
    notices = await fetchJson("/api/v1/notices");
  } catch {
    // The stream of news tells that there is no connection.
  }
}

export function health() {
  const { status, before } = state;
  if (!status) return;
  const span = before ? (status.utc_ms - before.utc_ms) / 1000 : 0;
  const { clock, recording, machine } = status;
  const busy = machine && before?.machine && span > 0 ? (machine.processor_s - before.machine.processor_s) / span * 100 : null;
  const cards = [
    [say("uptime"), `${Math.floor(status.uptime_s / 60)} min ${Math.floor(status.uptime_s % 60)} s`, false],
    [say("clock"), clock?.synchronised ? `${say("synchronised")} ${clock.max_error_ms.toFixed(1)} ms` : say("unsynchronised"), !clock?.synchronised],
    [say("processor"), busy === null ? "–" : `${busy.toFixed(1)} %`, false],
    [say("memory"), machine ? size(machine.resident_bytes) : "–", false],
    [say("threads"), machine ? String(machine.threads) : "–", false],
    [say("disk"), status.disk.free_bytes === null ? "–" : size(status.disk.free_bytes), status.disk.free_bytes !== null && status.disk.free_bytes < 5e8],
    [say("temperature"), status.temperature_c === null ? "–" : `${status.temperature_c.toFixed(0)} °C`, status.temperature_c > 85],
    [say("recording"), recording?.on ? size(recording.bytes) : say("off"), Boolean(recording?.trouble)],
    ["rsu", status.version, false],
  ];
  for (const input of status.inputs) {
    if (!input.receiver) continue;
    const { fix, satellites_used, hdop, clock_ahead_s } = input.receiver;
    cards.push([`GNSS ${input.name}`, `${say(`fix-${fix}`)} · ${satellites_used ?? "–"} · HDOP ${hdop?.toFixed(1) ?? "–"}`, fix === "none"]);
    if (clock_ahead_s !== null) cards.push([say("ahead"), `${(clock_ahead_s * 1e3).toFixed(0)} ms`, Math.abs(clock_ahead_s) > 0.5]);
  }
  cardsInto($("summary"), cards);
  const kinds = (counts) => Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(", ") || "0";
  rows($("inputs"), status.inputs, (input) => {
    const old = before?.inputs.find((known) => known.name === input.name);
    const rate = old && span > 0 ? ((input.reports - old.reports) / span).toFixed(1) : "–";
    const dropped = { ...input.rejected };
    for (const kind of ["foreign", "overlong", "displaced"]) if (input[kind]) dropped[kind] = input[kind];
    return [input.name, input.link === "up" && input.silent ? say("silent") : say(input.link),
      input.age_s === null ? "–" : `${input.age_s.toFixed(1)} s`, rate, String(input.reports), kinds(dropped),
      kinds(input.tolerated), String(input.reconnects),
      input.clock_ahead_s === null ? "–" : `${(input.clock_ahead_s * 1e3).toFixed(0)} ms`, input.protocol, input.source];
  });
  status.inputs.forEach((input, place) => {
    $("inputs").rows[place].cells[1].className = input.link !== "up" || input.silent ? "bad" : "good";
  });
  const sensors = status.inputs.filter((input) => input.sensor);
  rows($("fares"), sensors, ({ name, sensor, clock_behind_s }) => [name, say(sensor.suspicion ?? "agrees"), sensor.rate_hz.toFixed(1),
    `${(sensor.age_s * 1e3).toFixed(0)} ms`, clock_behind_s === null ? "–" : `${clock_behind_s.toFixed(3)} s`,
    `${sensor.range_offset_m.toFixed(2)} m`, `${sensor.heading_offset_deg.toFixed(2)}°`,
    `× ${sensor.noise_along.toFixed(2)}`, `× ${sensor.noise_across.toFixed(2)}`]);
  sensors.forEach(({ sensor }, place) => { $("fares").rows[place].cells[1].className = sensor.suspicion ? "bad" : "good"; });
  rows($("radios"), status.radio, (radio) => [radio.target, String(radio.frames), String(radio.lost), radio.trouble ?? say("up")]);
  const wrong = [...status.wrong, ...status.refused];
  for (const input of status.inputs) {
    if (input.why) wrong.push(say("do-down", input.name, input.why));
    else if (input.silent) wrong.push(say("do-silent", input.name));
  }
  for (const radio of status.radio) if (radio.trouble) wrong.push(say("do-radio", radio.target, radio.trouble));
  if (recording?.trouble) wrong.push(say("do-record", recording.trouble));
  if (!clock?.synchronised) wrong.push(say("do-clock"));
  list($("wrong"), wrong);
  const last = notices.map((notice) => `${new Date(notice.utc_ms).toISOString().slice(11, 19)} ${say(`notice-${notice.code}`, notice.subject, notice.text)} ${say(`advice-${notice.code}`)}`);
  list($("notices"), last);
}

function list(place, texts) {
  const told = texts.length ? texts : [say("nothing")];
  while (place.childElementCount > told.length) place.lastChild.remove();
  told.forEach((text, i) => set(place.children[i] ?? place.appendChild(element("li")), text));
}
