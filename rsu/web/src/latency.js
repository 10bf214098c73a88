// The latency view: percentiles of each stage, and of one of them the histogram and the last ten
// minutes; the grid on which messages are sent.

import { $, fetchJson, paper, rows, set, span } from "./page.js";
import { say } from "./words.js";

let told = null, chosen = "end_to_end";

export async function latency() {
  try {
    told = await fetchJson("api/v1/latency");
  } catch {
    return;
  }
  show();
}

function show() {
  const figures = (row) => [span(row.p50_us), span(row.p99_us), span(row.p999_us), span(row.max_us), String(row.count)];
  rows($("stage-rows"), told.stages, (row) => [say(`stage-${row.stage}`), ...figures(row)],
    (row) => { chosen = row.stage; show(); }, (row) => row.stage === chosen);
  rows($("grid-rows"), told.grid.filter((row) => row.count), (row) => [row.kind, ...figures(row), String(row.missed)]);
  const row = told.stages.find((known) => known.stage === chosen);
  set($("chosen-stage"), say(`stage-${chosen}`));
  histogram($("histogram"), row.histogram, told.bounds_us);
  trend($("trend"), row.trend);
}

const TEXT = "11px system-ui, sans-serif";
/** A mark of an axis: without the zeros that a measured value has. */
const whole = (us) => span(us).replace(/\.0+(?= )/, "");

function histogram(canvas, counts, bounds) {
  canvas.ariaLabel = `${say("histogram")}: ${counts.map((count, i) => (count ? `${i < bounds.length ? `≤ ${span(bounds[i])}` : say("beyond")} ${count}` : "")).filter(Boolean).join(", ")}`;
  const drawn = paper(canvas);
  if (!drawn) return;
  const { g, w, h, colour } = drawn, most = Math.log10(1 + Math.max(1, ...counts)), wide = w / counts.length, floor = h - 18;
  g.font = TEXT;
  g.textAlign = "center";
  counts.forEach((count, i) => {
    const tall = Math.log10(1 + count) / most * (floor - 16);
    g.fillStyle = colour("--accent");
    g.fillRect(i * wide + 1, floor - tall, wide - 2, tall);
    g.fillStyle = colour("--ink");
    if (count && wide > 34) g.fillText(String(count), (i + 0.5) * wide, floor - tall - 4);
    // One word of three where there is little room.
    if (i < bounds.length && (wide > 44 || i % 3 === 0)) g.fillText(whole(bounds[i]), (i + 0.5) * wide, h - 4);
  });
}

const LINES = [["--good", "p50"], ["--accent", "p99"], ["--bad", "most"]];

function trend(canvas, points) {
  const last = points.findLast(Boolean);
  canvas.ariaLabel = `${say("trend")}${last ? `: p50 ${span(last[0])}, p99 ${span(last[1])}, ${say("most")} ${span(last[2])}` : ""}`;
  const drawn = paper(canvas);
  if (!drawn) return;
  const { g, w, h, colour } = drawn, all = points.filter(Boolean).flat();
  g.font = TEXT;
  g.fillStyle = colour("--ink");
  if (!all.length) {
    g.fillText(say("soon"), 8, 20);
    return;
  }
  // Decades, since a spike is what is looked for and must not flatten the rest.
  const low = Math.floor(Math.log10(Math.max(0.1, Math.min(...all)))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))));
  const y = (us) => 6 + (high - Math.log10(Math.max(0.1, us))) / (high - low) * (h - 24), x = (i) => 52 + i / 119 * (w - 58);
  g.strokeStyle = colour("--line");
  for (let decade = low; decade <= high; decade++) {
    const us = 10 ** decade;
    g.beginPath(); g.moveTo(52, y(us)); g.lineTo(w, y(us)); g.stroke();
    g.fillText(whole(us), 4, y(us) + 4);
  }
  const from = 120 - points.length;
  LINES.forEach(([ink, name], line) => {
    g.strokeStyle = g.fillStyle = colour(ink);
    g.lineWidth = 1.5;
    g.beginPath();
    let apart = true;
    points.forEach((point, i) => {
      if (!point) { apart = true; return; }
      if (apart) g.moveTo(x(from + i), y(point[line])); else g.lineTo(x(from + i), y(point[line]));
      apart = false;
    });
    g.stroke();
    points.forEach((point, i) => point && g.fillRect(x(from + i) - 1, y(point[line]) - 1, 2, 2));
    g.fillText(name === "most" ? say("most") : name, 56 + 60 * line, h - 4);
  });
}
