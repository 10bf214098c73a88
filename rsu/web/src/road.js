// The junction from above, in metres east and north of the site's origin, on a 2D canvas. Not here:
// where its numbers come from.

import { say } from "./words.js";

const LIGHTS = { red: "#cc241f", "flashing-red": "#cc241f", "red-yellow": "#ff7a1a", green: "#12a150",
  "flashing-green": "#12a150", yellow: "#f2b200", "flashing-yellow": "#f2b200", dark: "#555" };
const CLASSES = { car: ["#2f7de1", 4.6, 1.8], truck: ["#8a5cd6", 9, 2.5], bus: ["#c2701a", 12, 2.55],
  motorcycle: ["#c03a8c", 2.1, 0.8], bicycle: ["#0f8f8a", 1.8, 0.6], pedestrian: ["#d1495b", 0.6, 0.6],
  animal: ["#6b4f2a", 1.1, 0.4] };
const INPUTS = ["#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f", "#b45309"];

/** The colour of an input's detections, by its place among those that have seen something. */
export const inputColour = (inputs, name) => INPUTS[Math.max(0, inputs.indexOf(name)) % INPUTS.length];

/** The colour of a light; grey where nothing is known. */
export const lightColour = (light) => LIGHTS[light] ?? "#8a97a1";

/** Degrees to metres around an origin, on the ellipsoid. */
export function projector(lat0, lon0) {
  const a = 6378137, e2 = 0.00669437999014, phi = lat0 * Math.PI / 180;
  const w = Math.sqrt(1 - e2 * Math.sin(phi) ** 2);
  const perLat = a * (1 - e2) / w ** 3 * Math.PI / 180, perLon = a / w * Math.cos(phi) * Math.PI / 180;
  return (lat, lon) => [(lon - lon0) * perLon, (lat - lat0) * perLat];
}

/** A position of the air, whole or as an offset from a place, in units of 1e-7 degrees. */
export function placeOf(pos, ref) {
  const [form, value] = Object.entries(pos.offsetLL ?? pos)[0] ?? [];
  if (form === "position-LatLon") return [value.lat / 1e7, value.lon / 1e7];
  return [(ref.lat + value.lat) / 1e7, (ref.long + value.lon) / 1e7];
}

/** Lanes of MAP messages, in metres. */
export function lanesOf(messages, project) {
  const lanes = [];
  for (const { message } of messages) {
    for (const node of message?.mapFrame?.nodes ?? []) {
      for (const link of node.inLinks ?? []) {
        for (const lane of link.lanes ?? []) {
          const points = (lane.points ?? link.points ?? []).map((p) => project(...placeOf(p.posOffset, node.refPos)));
          const turns = (lane.connectsTo ?? []).filter((c) => c.phaseId);
          if (points.length > 1) {
            lanes.push({ points, width: (lane.laneWidth ?? link.linkWidth ?? 300) / 100,
              phases: [...new Set(turns.map((c) => c.phaseId))],
              turns: parseInt((lane.maneuvers ?? "0").slice(0, 1), 16), kind: Object.keys(lane.laneAttributes?.laneType ?? {})[0] ?? "vehicle",
              name: `${link.name ?? ""} ${lane.laneID}` });
          }
        }
      }
    }
  }
  return lanes;
}

/** The corners where lanes meet the junction, as a hull: MAP says nothing of what lies between them. */
function middleOf(lanes) {
  const corners = [];
  for (const { points, width, kind } of lanes) {
    const [near, next] = Math.hypot(...points[0]) < Math.hypot(...points.at(-1)) ? points : [points.at(-1), points.at(-2)];
    const length = Math.hypot(next[0] - near[0], next[1] - near[1]);
    if (kind !== "vehicle" || Math.hypot(...near) > 60 || !length) continue;
    const [e, n] = [(next[0] - near[0]) / length * width / 2, (next[1] - near[1]) / length * width / 2];
    corners.push([near[0] - n, near[1] + e], [near[0] + n, near[1] - e]);
  }
  corners.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (points) => {
    const hull = [];
    for (const p of points) {
      while (hull.length > 1) {
        const [a, b] = hull.slice(-2);
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        hull.pop();
      }
      hull.push(p);
    }
    return hull.slice(0, -1);
  };
  return corners.length < 6 ? [] : [...half(corners), ...half(corners.reverse())];
}

/** An arrow as painted on the road, forward up the paper, in metres: straight, left, right and U-turn by bit. */
function arrow(g, turns) {
  const head = (x, y, dx, dy) => {
    g.moveTo(x + dx, y + dy);
    g.lineTo(x - dy * 0.7 - dx * 0.3, y + dx * 0.7 - dy * 0.3);
    g.lineTo(x + dy * 0.7 - dx * 0.3, y - dx * 0.7 - dy * 0.3);
    g.closePath();
  };
  g.lineWidth = 0.45;
  g.beginPath();
  g.moveTo(0, 3);
  g.lineTo(0, turns & 8 ? -1.6 : 0.4);
  for (const [bit, side] of [[4, -1], [2, 1]]) {
    if (turns & bit) { g.moveTo(0, 1.6); g.quadraticCurveTo(0, -0.6, side * 1.2, -0.6); }
  }
  if (turns & 1) { g.moveTo(0, 0.6); g.bezierCurveTo(0, -2, -1.8, -2, -1.8, 0.8); }
  g.stroke();
  g.beginPath();
  if (turns & 8) head(0, -1.6, 0, -1.5);
  if (turns & 4) head(-1.2, -0.6, -1.2, 0);
  if (turns & 2) head(1.2, -0.6, 1.2, 0);
  if (turns & 1) head(-1.8, 0.8, 0, 1.2);
  g.fill();
}

/** A light as a shape, so that it can be told without its colour: go round, stop square, wait pointed. */
export const shapeOf = (light) => (/green/.test(light) ? "go" : /yellow/.test(light) ? "wait" : "stop");

function lightAt(g, light, x, y, r) {
  g.fillStyle = lightColour(light);
  g.beginPath();
  if (shapeOf(light) === "go") g.arc(x, y, r, 0, 7);
  else if (shapeOf(light) === "wait") { g.moveTo(x, y - r); g.lineTo(x + r, y + r); g.lineTo(x - r, y + r); g.closePath(); }
  else g.rect(x - r, y - r, 2 * r, 2 * r);
  g.fill();
}

/** What is allowed in a phase, of all lanes that go by it. */
export const turnsOf = (lanes, phase) => lanes.reduce((turns, lane) => (lane.phases.includes(phase) ? turns | (lane.phases.length > 1 ? 0 : lane.turns) : turns), 0);

/** The same as signs of text. */
export const signsOf = (turns) => [[4, "↰"], [8, "↑"], [2, "↱"], [1, "↶"]].filter(([bit]) => turns & bit).map(([, sign]) => sign).join("");

/** Events of RSI messages, in metres. */
export function eventsOf(messages, project) {
  const events = [];
  for (const { message } of messages) {
    const rsi = message?.rsiFrame;
    for (const rte of rsi?.rtes ?? []) {
      const paths = (rte.referencePaths ?? []).map((path) => ({ radius: (path.pathRadius ?? 0) / 10,
        points: path.activePath.map((p) => project(...placeOf(p, rsi.refPos))) }));
      const at = rte.eventPos ? project(...placeOf(rte.eventPos, rsi.refPos)) : paths[0]?.points[0];
      if (at) events.push({ at, type: rte.eventType, id: rte.rteId, radius: (rte.eventRadius ?? 0) / 10, paths });
    }
    for (const rts of rsi?.rtss ?? []) {
      if (rts.signPos) events.push({ at: project(...placeOf(rts.signPos, rsi.refPos)), type: rts.signType, sign: true, radius: 0, paths: [] });
    }
  }
  return events;
}

/** The colour of a class of road users. */
export const classColour = (name) => CLASSES[name]?.[0] ?? "#5b6b77";

export class Road {
  constructor(canvas) {
    this.canvas = canvas;
    this.centre = [0, 0];
    this.scale = 3;
    this.show = { detections: true, ellipses: true, labels: true };
    this.inputs = [];
    this.hidden = new Set();
    this.onPick = () => {};
    this.lanes = [];
    this.middle = [];
    this.events = [];
    this.drawn = { tracks: 0, detections: 0, lanes: 0, events: 0, ellipses: 0, lights: {} };
    this.#listen();
  }

  /** The road as broadcast. */
  take(lanes) {
    this.lanes = lanes;
    this.middle = middleOf(lanes);
  }

  /** So that the approaches can be seen for 70 m. */
  home() {
    this.centre = [0, 0];
    const { clientWidth, clientHeight } = this.canvas;
    this.scale = Math.max(0.5, Math.min(clientWidth, clientHeight) / 140);
  }

  zoom(times) { this.scale = Math.min(60, Math.max(0.3, this.scale * times)); }

  /** The road user nearest to a place in metres. */
  nearest(tracks, [east, north]) {
    const off = (track) => Math.hypot(track.east_m - east, track.north_m - north);
    return tracks.reduce((best, track) => (!best || off(track) < off(best) ? track : best), null);
  }

  #listen() {
    const { canvas } = this;
    const held = new Map();
    canvas.addEventListener("click", (e) => this.onPick([this.centre[0] + (e.offsetX - canvas.clientWidth / 2) / this.scale,
      this.centre[1] - (e.offsetY - canvas.clientHeight / 2) / this.scale]));
    canvas.addEventListener("pointerdown", (e) => { held.set(e.pointerId, [e.offsetX, e.offsetY]); canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener("pointermove", (e) => {
      const last = held.get(e.pointerId);
      if (!last) return;
      const now = [e.offsetX, e.offsetY];
      if (held.size === 1) {
        this.centre[0] -= (now[0] - last[0]) / this.scale;
        this.centre[1] += (now[1] - last[1]) / this.scale;
      } else {
        const other = [...held].find(([id]) => id !== e.pointerId)[1];
        const span = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
        this.zoom(span(now) / Math.max(1, span(last)));
      }
      held.set(e.pointerId, now);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (e) => held.delete(e.pointerId));
    canvas.addEventListener("wheel", (e) => { e.preventDefault(); this.zoom(e.deltaY < 0 ? 1.15 : 1 / 1.15); }, { passive: false });
    canvas.addEventListener("keydown", (e) => {
      const step = 40 / this.scale;
      const keys = { ArrowLeft: () => (this.centre[0] -= step), ArrowRight: () => (this.centre[0] += step),
        ArrowUp: () => (this.centre[1] += step), ArrowDown: () => (this.centre[1] -= step),
        "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8), 0: () => this.home() };
      if (keys[e.key]) { keys[e.key](); e.preventDefault(); }
    });
  }

  /** `ahead_s`: how far the tracks are to be moved on, being so old. */
  draw(tracks, signals, ahead_s, picked) {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1, [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (!w) return;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const g = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, h);
    const at = ([e, n]) => [w / 2 + (e - this.centre[0]) * this.scale, h / 2 - (n - this.centre[1]) * this.scale];
    this.drawn = { tracks: 0, detections: 0, lanes: this.lanes.length, events: 0, ellipses: 0, lights: {} };
    this.#lanes(g, at, colour, signals, ahead_s);
    this.#events(g, at, colour);
    if (this.show.detections) this.#detections(g, at, tracks?.detections ?? []);
    const placed = tracks?.tracks ?? [];
    for (const track of placed) this.#track(g, at, colour, track, ahead_s, track.id === picked);
    if (this.show.labels && this.scale > 1.6) this.#names(g, at, colour, placed, ahead_s, picked);
    this.#margin(g, w, h, colour);
  }

  #lanes(g, at, colour, signals, ahead_s) {
    const path = (points) => { g.beginPath(); points.forEach((p, i) => (i ? g.lineTo(...at(p)) : g.moveTo(...at(p)))); };
    g.lineCap = "butt";
    g.lineJoin = "round";
    // First a band of paint, then the lane itself: what is left of the paint are the lines between lanes.
    for (const [ink, narrower] of [["--paint", -0.15], ["--road", 0.2]]) {
      if (ink === "--road" && this.middle.length) {
        g.fillStyle = colour("--road");
        path(this.middle);
        g.fill();
      }
      for (const lane of this.lanes) {
        g.globalAlpha = lane.kind === "vehicle" ? 1 : 0.45;
        g.strokeStyle = colour(ink);
        g.lineWidth = Math.max(1, (lane.width - narrower) * this.scale);
        path(lane.points);
        g.stroke();
      }
    }
    g.globalAlpha = 1;
    const kerbs = new Map();
    for (const lane of this.lanes.filter((lane) => lane.phases.length && lane.kind === "vehicle")) {
      const [p, q] = lane.points.slice(-2), length = Math.hypot(q[0] - p[0], q[1] - p[1]) || 1;
      const [ue, un] = [(q[0] - p[0]) / length, (q[1] - p[1]) / length];
      const wide = lane.width - 0.4, key = `${ue.toFixed(1)} ${un.toFixed(1)}`;
      const kerb = kerbs.get(key) ?? { ue, un, right: -Infinity, along: -Infinity, phases: new Map() };
      kerbs.set(key, kerb);
      kerb.right = Math.max(kerb.right, q[0] * un - q[1] * ue + lane.width / 2);
      kerb.along = Math.max(kerb.along, q[0] * ue + q[1] * un);
      // A lane that goes by several phases has a piece of its stop line for each.
      lane.phases.forEach((phase, place) => {
        const state = runningState(signals, phase), part = wide / lane.phases.length;
        const from = -wide / 2 + place * part, to = from + part;
        g.strokeStyle = lightColour(state?.light);
        g.lineWidth = Math.max(4, 1.3 * this.scale);
        g.beginPath();
        g.moveTo(...at([q[0] + un * from, q[1] - ue * from]));
        g.lineTo(...at([q[0] + un * to, q[1] - ue * to]));
        g.stroke();
        this.drawn.lights[phase] = state?.light ?? "unknown";
        kerb.phases.set(phase, state);
      });
      if (this.scale < 1.6) continue;
      g.save();
      g.translate(...at([q[0] - ue * 9, q[1] - un * 9]));
      g.rotate(Math.atan2(ue, un));
      g.scale(this.scale, this.scale);
      g.strokeStyle = g.fillStyle = colour("--paint");
      arrow(g, lane.turns);
      g.restore();
    }
    // What is said of the phases of one approach stands together, at its kerb.
    const isSmall = this.canvas.clientWidth < 560 && this.scale < 5;
    if (this.scale >= 1.6) for (const kerb of kerbs.values()) this.#heads(g, at, kerb, ahead_s, isSmall);
    g.textBaseline = "alphabetic";
  }

  /** The signal heads of one approach: light, way, seconds left, and the number of the phase; where there
   * is little room without the number, which stands below the map beside the same arrow. */
  #heads(g, at, { ue, un, right, along, phases }, ahead_s, isSmall) {
    const wide = isSmall ? 58 : 110, high = isSmall ? 17 : 22, upright = Math.abs(un) > Math.abs(ue);
    let line = 0;
    for (const [phase, state] of phases) {
      const out = right + (upright ? wide / 2 + 8 : high / 2 + 6) / this.scale, back = along - (upright ? 12 : wide / 2 + 2) / this.scale;
      // Away from the stop line on a road up the screen, away from the road on one across it.
      const [x, y0] = at([ue * back + un * out, un * back - ue * out]);
      const y = y0 + (high + 3) * line++ * Math.sign(upright ? un : ue), left = leftOf(state, ahead_s);
      g.fillStyle = "#10181fee";
      g.beginPath();
      g.roundRect(x - wide / 2, y - high / 2, wide, high, 6);
      g.fill();
      g.lineWidth = 1;
      g.strokeStyle = "#ffffff40";
      g.stroke();
      lightAt(g, state?.light, x - wide / 2 + (isSmall ? 9 : 13), y, isSmall ? 5 : 6);
      g.save();
      g.translate(x - wide / 2 + (isSmall ? 23 : 32), y);
      const grown = isSmall ? 1.9 : 2.6;
      g.scale(grown, grown);
      g.strokeStyle = g.fillStyle = "#fff";
      const turns = turnsOf(this.lanes, phase);
      if (turns) arrow(g, turns);
      g.restore();
      g.fillStyle = "#fff";
      g.textBaseline = "middle";
      g.textAlign = "right";
      g.font = `bold ${isSmall ? 12 : 14}px system-ui, sans-serif`;
      g.fillText(left === null ? "–" : left < 5 ? left.toFixed(1) : `${Math.round(left)}`, isSmall ? x + wide / 2 - 4 : x + 17, y + 1);
      if (isSmall) continue;
      g.font = "10px system-ui, sans-serif";
      g.fillStyle = "#b9c7d1";
      g.fillText(`#${phase}`, x + wide / 2 - 5, y + 1);
    }
  }

  /** Text that can be read on anything. */
  #outlined(g, text, x, y, colour) {
    g.lineWidth = 3;
    g.strokeStyle = colour("--card");
    g.strokeText(text, x, y);
    g.fillStyle = colour("--ink");
    g.fillText(text, x, y);
  }

  /** Areas first, so that no icon is hidden; events as triangles, signs as plates. */
  #events(g, at, colour) {
    g.fillStyle = "#f2b20033";
    g.strokeStyle = "#c98a00";
    for (const { at: place, radius, paths } of this.events) {
      g.lineWidth = 1;
      if (radius * this.scale > 3) {
        g.beginPath();
        g.arc(...at(place), radius * this.scale, 0, 7);
        g.fill();
        g.stroke();
      }
      for (const path of paths.filter((known) => known.points.length > 1)) {
        g.save();
        g.globalAlpha = 0.25;
        g.lineCap = "round";
        g.lineWidth = Math.max(4, 2 * path.radius * this.scale);
        g.beginPath();
        path.points.forEach((p, i) => (i ? g.lineTo(...at(p)) : g.moveTo(...at(p))));
        g.stroke();
        g.restore();
      }
    }
    for (const event of this.events) {
      const [x, y] = at(event.at);
      if (event.sign && this.scale < 1.6) continue;
      g.beginPath();
      if (event.sign) g.rect(x - 7, y - 7, 14, 14);
      else { g.moveTo(x, y - 11); g.lineTo(x + 10, y + 7); g.lineTo(x - 10, y + 7); g.closePath(); }
      g.fillStyle = event.sign ? "#1f6fd1" : "#ffd24d";
      g.fill();
      g.lineWidth = 1.5;
      g.strokeStyle = event.sign ? "#fff" : "#6b4700";
      g.stroke();
      g.fillStyle = event.sign ? "#fff" : "#000";
      g.font = "bold 11px system-ui, sans-serif";
      g.textAlign = "center";
      g.fillText(event.sign ? "i" : "!", x, y + (event.sign ? 4 : 5));
      if (this.show.labels && (!event.sign || this.scale > 3)) {
        this.#outlined(g, event.sign ? say("sign", event.type) : eventName(event.type), x, y + 19, colour);
      }
      this.drawn.events += 1;
    }
  }

  #detections(g, at, detections) {
    detections.forEach(({ input, east_north_m }) => {
      if (this.hidden.has(input)) return;
      g.fillStyle = inputColour(this.inputs, input);
      for (const spot of east_north_m) {
        const [x, y] = at(spot);
        g.fillRect(x - 1.5, y - 1.5, 3, 3);
        this.drawn.detections += 1;
      }
    });
  }

  #track(g, at, colour, track, ahead_s, isPicked) {
    const [shade, usualLength, usualWidth] = CLASSES[track.class] ?? ["#5b6b77", 3, 1.5];
    const place = [track.east_m + track.east_mps * ahead_s, track.north_m + track.north_mps * ahead_s];
    const [x, y] = at(place);
    const yaw = track.yaw_rad ?? Math.atan2(track.north_mps, track.east_mps);
    if (this.show.ellipses) {
      const [ee, nn, en] = track.cov_m2, mean = (ee + nn) / 2, bend = Math.hypot((ee - nn) / 2, en);
      g.strokeStyle = shade;
      g.lineWidth = 1;
      g.beginPath();
      g.ellipse(x, y, 2.45 * Math.sqrt(mean + bend) * this.scale, 2.45 * Math.sqrt(Math.max(0, mean - bend)) * this.scale,
        -Math.atan2(2 * en, ee - nn) / 2, 0, 7);
      g.stroke();
      this.drawn.ellipses += 1;
    }
    g.save();
    g.translate(x, y);
    g.rotate(-yaw);
    const [l, b] = [Math.max((track.length_m ?? usualLength) * this.scale, 4), Math.max((track.width_m ?? usualWidth) * this.scale, 3)];
    g.fillStyle = shade;
    g.globalAlpha = track.unseen_s > 0.5 ? 0.5 : 1;
    g.beginPath();
    if (track.class === "pedestrian") g.arc(0, 0, Math.max(3.5, l / 2), 0, 7);
    else g.roundRect(-l / 2, -b / 2, l, b, Math.min(b, l) / 4);
    g.fill();
    g.lineWidth = isPicked ? 3 : 1;
    g.strokeStyle = isPicked ? colour("--ink") : "#0009";
    g.stroke();
    // The windscreen says which end is the front.
    if (l > 12 && track.class !== "pedestrian") { g.fillStyle = "#fffb"; g.fillRect(l * 0.16, -b * 0.34, Math.max(2, l * 0.12), b * 0.68); }
    g.restore();
    const tip = at([place[0] + track.east_mps, place[1] + track.north_mps]);
    if (Math.hypot(tip[0] - x, tip[1] - y) > 4) {
      g.strokeStyle = colour("--ink");
      g.globalAlpha = 0.75;
      g.lineWidth = 1.5;
      g.beginPath();
      g.moveTo(x, y);
      g.lineTo(...tip);
      g.stroke();
      g.globalAlpha = 1;
    }
    this.drawn.tracks += 1;
  }

  /** Above all bodies, and none over another: in a queue some stay unsaid, the chosen one never. */
  #names(g, at, colour, tracks, ahead_s, picked) {
    const taken = [];
    g.font = "11px system-ui, sans-serif";
    g.textAlign = "center";
    for (const track of [...tracks].sort((a, b) => (b.id === picked) - (a.id === picked))) {
      const text = this.scale > 7 ? `${track.id} ${say(track.class)}` : `${track.id}`;
      const [x, y] = at([track.east_m + track.east_mps * ahead_s, track.north_m + track.north_mps * ahead_s]);
      const above = y - Math.max(7, 1.4 * this.scale), half = 3.3 * text.length + 2;
      if (taken.some(([left, top, right]) => x - half < right && x + half > left && Math.abs(above - top) < 12)) continue;
      taken.push([x - half, above, x + half]);
      this.#outlined(g, text, x, above, colour);
    }
  }

  /** Scale and north. */
  #margin(g, w, h, colour) {
    const metres = [5, 10, 20, 50, 100, 200].find((m) => m * this.scale > 60) ?? 500;
    g.strokeStyle = g.fillStyle = colour("--ink");
    g.lineWidth = 2;
    g.beginPath();
    g.moveTo(12, h - 14); g.lineTo(12 + metres * this.scale, h - 14);
    g.stroke();
    g.font = "12px system-ui, sans-serif";
    g.textAlign = "left";
    g.fillText(`${metres} m`, 12, h - 20);
    g.beginPath();
    g.moveTo(w - 20, 12); g.lineTo(w - 13, 32); g.lineTo(w - 20, 27); g.lineTo(w - 27, 32);
    g.closePath();
    g.fill();
    g.textAlign = "center";
    g.fillText("N", w - 20, 46);
  }
}

/** The number of an event's type, with its name where we have one. */
function eventName(type) {
  const name = say(`event-${type}`);
  return name.startsWith("event-") ? say("event", type) : `${name} (${type})`;
}

/** What a phase shows now. */
export function runningState(signals, phase) {
  return signals?.phases?.find((known) => known.phase === phase)?.states?.[0];
}

/** How long still, in seconds; null where that is not known. */
export function leftOf(state, since_s) {
  return state?.likely_end_s == null ? null : Math.max(0, state.likely_end_s - since_s);
}
