"""Cases to score: truth, and what sensors of known or unknown behaviour make of it.

Truth is a list of moments `{"t", "objs": [[id, class, x, y, heading, speed, length, width], ...]}`.
Sensors are simulated here by a model of this file's own, in the detection format of the reference
scenes. What a tracker is told of them is the `sensors` table and the sigmas in the detections; how
they really behave is a `Behaviour`, which no tracker reads.
"""

import csv
import json
import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

HEIGHT_M = {"car": 1.5, "truck": 3.2, "bus": 3.2, "bike": 1.7, "ped": 1.7}
CLASSES = list(HEIGHT_M)


@dataclass
class Behaviour:
    """How sensors really are. The defaults are what their data sheets say."""

    detection: float = 1.0  # factor on the probability of detection
    shadow: float = 0.25  # what is left of it behind another road user
    long_shadows: bool = True  # bodies hide what is behind them however high the sensor hangs
    noise: float = 1.0  # factor on every sigma
    range_bias_m: float = 0.0  # of each camera's and radar's range
    azimuth_bias_rad: float = 0.0
    clutter: float = 1.0  # factor on false detections
    wrong_class: float = 0.07
    reflection: float = 0.2  # half width of the reflection point's wander, in lengths
    radar_yaw_rad: float = 0.0  # how far the radar is turned from what the tracker is told


def perturbed(seed):
    """Sensors that behave otherwise than stated, drawn by seed."""
    dice = np.random.default_rng(1000 + seed)
    return Behaviour(
        detection=dice.uniform(0.85, 1.0),
        shadow=dice.uniform(0.15, 0.5),
        noise=dice.uniform(1.3, 1.5),
        range_bias_m=dice.choice([-1.0, 1.0]) * dice.uniform(0.2, 0.4),
        azimuth_bias_rad=dice.uniform(-0.004, 0.004),
        clutter=dice.uniform(1.6, 2.0),
        wrong_class=dice.uniform(0.15, 0.25),
        reflection=dice.uniform(0.3, 0.4),
    )


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def interpolated(truth):
    """A function of time to `[id, class, x, y, heading, speed, length, width]` rows."""
    times = np.array([m["t"] for m in truth])
    rows = [{o[0]: o for o in m["objs"]} for m in truth]

    def at(t):
        after = int(np.searchsorted(times, t))
        if after == 0 or after >= len(times):
            return list(rows[min(after, len(rows) - 1)].values())
        before = after - 1
        share = (t - times[before]) / (times[after] - times[before])
        out = []
        for key, a in rows[before].items():
            b = rows[after].get(key)
            if b is None:
                continue
            turn = math.remainder(b[4] - a[4], math.tau)
            mixed = [a[2] + share * (b[2] - a[2]), a[3] + share * (b[3] - a[3])]
            out.append([key, a[1], *mixed, a[4] + share * turn, a[5] + share * (b[5] - a[5]), a[6], a[7]])
        return out

    return at


def sense(truth, sensors, behaviour, seed, clutter=1.0):
    """Frames of all sensors, sorted by arrival. `clutter` is stated neither to tracker nor sensor."""
    dice = np.random.default_rng(seed)
    behaviour = replace(behaviour, clutter=behaviour.clutter * clutter)
    at = interpolated(truth)
    end = truth[-1]["t"]
    frames = []
    for sensor in sensors:
        count = int((end - sensor["phase"]) * sensor["hz"])
        for n in range(count):
            t = sensor["phase"] + n / sensor["hz"]
            mean, sigma = sensor["lat"]
            late = max(0.001, dice.normal(mean, sigma)) if mean > 0 else 0.0
            dets = look(sensor, at(t), behaviour, dice)
            frames.append({"sensor": sensor["id"], "t": round(t, 4), "ta": round(t + late, 4), "dets": dets})
    frames.sort(key=lambda frame: frame["ta"])
    return frames


def look(sensor, objects, behaviour, dice):
    """One frame of one sensor."""
    camera = sensor["kind"] == "camera"
    yaw = sensor["yaw"]
    seen = []
    for key, kind, x, y, heading, speed, length, width in objects:
        dx, dy = x - sensor["x"], y - sensor["y"]
        reach, bearing = math.hypot(dx, dy), math.atan2(dy, dx)
        if not sensor["rmin"] < reach < sensor["rmax"]:
            continue
        if abs(math.remainder(bearing - yaw, math.tau)) > 0.5 * sensor["fov"]:
            continue
        broad = length * abs(math.sin(heading - bearing)) + width * abs(math.cos(heading - bearing))
        radial = speed * math.cos(heading - bearing)
        seen.append((reach, bearing, 0.5 * broad / reach, key, kind, x, y, heading, radial, length, width))
    seen.sort()
    dets = []
    for n, one in enumerate(seen):
        reach, bearing, _, key, kind, x, y, heading, radial, length, width = one
        hidden = covered(sensor, one, seen[:n], behaviour) > 0.7
        if camera:
            p = 0.94 - 0.0008 * reach
        else:
            p = {"ped": 0.56, "bike": 0.7}.get(kind, 0.92 - 0.0022 * reach)
            p *= 0.55 if abs(radial) < 0.8 else 1.0
        p *= behaviour.detection
        if hidden:
            p *= behaviour.shadow if camera else 0.6 + 0.5 * behaviour.shadow
        if dice.random() > p:
            continue
        if camera:
            dets.append(see(sensor, one, behaviour, dice))
        else:
            dets.append(hear(sensor, one, behaviour, dice))
    mean = (0.85 if camera else 2.9) * behaviour.clutter
    for _ in range(dice.poisson(mean)):
        reach = math.sqrt(dice.uniform(sensor["rmin"] ** 2, sensor["rmax"] ** 2))
        bearing = sensor["yaw"] + dice.uniform(-0.5, 0.5) * sensor["fov"]
        dets.append(false_one(sensor, reach, bearing, dice))
    dice.shuffle(dets)
    return dets


def covered(sensor, one, nearer, behaviour):
    """The share of its width that stands behind others."""
    reach, bearing, half, _, kind = one[:5]
    points = bearing + half * np.linspace(-0.9, 0.9, 7)
    hit = np.zeros(7, dtype=bool)
    for front in nearer:
        aside = abs(math.remainder(front[1] - bearing, math.tau))
        if aside > front[2] + half:
            continue
        top = sensor["h"] - (sensor["h"] - HEIGHT_M[front[4]]) * reach / front[0]
        if behaviour.long_shadows or top > 0.5 * HEIGHT_M[kind]:
            hit |= np.abs(np.remainder(points - front[1] + math.pi, math.tau) - math.pi) < front[2]
    return hit.mean()


def see(sensor, one, behaviour, dice):
    reach, bearing, _, key, kind, *_, length, width = one
    sr, sc = 0.30 + 0.015 * reach, 0.10 + 0.006 * reach
    along = reach + behaviour.range_bias_m + behaviour.noise * dice.normal(0, sr)
    across = behaviour.azimuth_bias_rad * reach + behaviour.noise * dice.normal(0, sc)
    x = sensor["x"] + along * math.cos(bearing) - across * math.sin(bearing)
    y = sensor["y"] + along * math.sin(bearing) + across * math.cos(bearing)
    label = kind
    if dice.random() < behaviour.wrong_class:
        label = CLASSES[dice.integers(len(CLASSES))]
    grow = 1.0 + 0.08 * behaviour.noise * dice.normal(size=2)
    return {
        "x": round(x, 3), "y": round(y, 3), "sr": round(sr, 3), "sc": round(sc, 3), "cls": label,
        "conf": round(dice.uniform(0.5, 1.0), 2), "l": round(abs(length * grow[0]), 2),
        "w": round(abs(width * grow[1]), 2), "gt": key,
    }


def hear(sensor, one, behaviour, dice):
    _, _, _, key, _, x, y, heading, radial, length, width = one
    along = length * dice.uniform(-behaviour.reflection, behaviour.reflection)
    across = width * dice.uniform(-behaviour.reflection, behaviour.reflection)
    x += along * math.cos(heading) - across * math.sin(heading) - sensor["x"]
    y += along * math.sin(heading) + across * math.cos(heading) - sensor["y"]
    noise = behaviour.noise
    azimuth = math.atan2(y, x) + behaviour.azimuth_bias_rad + behaviour.radar_yaw_rad
    return {
        "r": round(math.hypot(x, y) + behaviour.range_bias_m + noise * dice.normal(0, 0.25), 3),
        "az": round(math.remainder(azimuth + noise * dice.normal(0, math.radians(0.5)), math.tau), 5),
        "rr": round(radial + noise * dice.normal(0, 0.15), 3), "rcs": 5.0, "gt": key,
    }


def false_one(sensor, reach, bearing, dice):
    if sensor["kind"] == "radar":
        rate = 0.0 if dice.random() < 0.4 else dice.normal(0, 5.0)
        azimuth = math.remainder(bearing, math.tau)
        return {"r": round(reach, 3), "az": round(azimuth, 5), "rr": round(rate, 3), "rcs": 0.0, "gt": -1}
    kind = CLASSES[dice.integers(len(CLASSES))]
    length, width = {"car": (4.5, 1.8), "truck": (8.5, 2.5), "bus": (12, 2.5), "bike": (1.8, 0.7), "ped": (0.5, 0.5)}[kind]
    return {
        "x": round(sensor["x"] + reach * math.cos(bearing), 3),
        "y": round(sensor["y"] + reach * math.sin(bearing), 3),
        "sr": round(0.3 + 0.015 * reach, 3), "sc": round(0.1 + 0.006 * reach, 3), "cls": kind,
        "conf": round(dice.uniform(0.5, 0.9), 2), "l": length, "w": width, "gt": -1,
    }


def case(truth, sensors, behaviour, seed, clutter=1.0):
    return {"sensors": sensors, "frames": sense(truth, sensors, behaviour, seed, clutter), "truth": truth}


def real(path):
    """Truth from recorded trajectories, moved so that the middle of the traffic is the origin."""
    rows = defaultdict(list)
    points = []
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            t, x, y = float(row["t"]), float(row["x"]), float(row["y"])
            points.append((x, y))
            rows[row["id"]].append((t, x, y, float(row["heading"]), float(row["length"]), float(row["width"]), row["kind"]))
    middle = np.median(np.array(points), axis=0)
    moments = defaultdict(list)
    for number, (_, track) in enumerate(sorted(rows.items())):
        track.sort()
        for i, (t, x, y, heading, length, width, kind) in enumerate(track):
            a, b = track[max(0, i - 1)], track[min(len(track) - 1, i + 1)]
            span = max(b[0] - a[0], 1e-3)
            speed = math.hypot(b[1] - a[1], b[2] - a[2]) / span
            name = kind_name(kind, length)
            moments[round(t, 3)].append(
                [number, name, x - middle[0], y - middle[1], heading, speed, length, width]
            )
    return [{"t": t, "objs": moments[t]} for t in sorted(moments)]


def kind_name(kind, length):
    kind = kind.lower()
    if "ped" in kind:
        return "ped"
    if "bic" in kind or "bike" in kind or "cycl" in kind:
        return "bike"
    if "bus" in kind:
        return "bus"
    return "truck" if "truck" in kind or length > 7.0 else "car"


def four_arms(seed, inflow_per_lane_s, walkers, seconds=60.0, warm_up=60.0):
    """Traffic of our own at a signalled four-arm junction: lanes straight through, bikes, walkers.

    Vehicles follow the intelligent driver model and stop at red; the signal has a 60 s cycle.
    """
    dice = np.random.default_rng(seed)
    lanes = []
    for arm in range(4):
        turn = arm * math.pi / 2
        for offset, bikes in ((1.9, False), (5.3, False), (8.7, False), (12.0, True)):
            lanes.append({"turn": turn, "side": offset, "bikes": bikes, "queue": [], "arm": arm})
    people = [walker(dice) for _ in range(walkers)]
    dt, ids, moments = 0.05, 0, []
    for step in range(int((warm_up + seconds) / dt)):
        now = step * dt
        for lane in lanes:
            ids = drive(lane, now, dt, dice, ids, inflow_per_lane_s)
        for person in people:
            walk(person, dt, dice)
        if now < warm_up - 1e-9:
            continue
        objs = []
        for lane in lanes:
            cos, sin = math.cos(lane["turn"]), math.sin(lane["turn"])
            for v in lane["queue"]:
                s, side = v["s"] - 0.5 * v["l"], -lane["side"] + v["drift"]
                objs.append([v["id"], v["kind"], s * cos - side * sin, s * sin + side * cos, lane["turn"], v["v"], v["l"], v["w"]])
        for n, p in enumerate(people):
            objs.append([100000 + n, "ped", p["x"], p["y"], p["yaw"], p["v"], 0.5, 0.5])
        moments.append({"t": round(now - warm_up, 3), "objs": [[o[0], o[1], *(round(float(v), 4) for v in o[2:])] for o in objs]})
    return moments


def drive(lane, now, dt, dice, ids, inflow):
    queue = lane["queue"]
    mean = inflow * (0.5 if lane["bikes"] else 1.0)
    if dice.random() < dt * mean and (not queue or queue[-1]["s"] > -95.0):
        if lane["bikes"]:
            kind, length, width, speed = "bike", 1.8, 0.7, dice.uniform(3.5, 6)
        else:
            kind = dice.choice(["car", "car", "car", "car", "car", "car", "truck", "bus"])
            length, width = {"car": (4.5, 1.8), "truck": (8.5, 2.5), "bus": (12.0, 2.55)}[kind]
            length, speed = length * dice.uniform(0.9, 1.1), dice.uniform(9, 14)
        queue.append({"id": ids, "kind": str(kind), "s": -110.0, "v": speed, "want": speed, "l": length, "w": width, "drift": dice.normal(0, 0.2)})
        ids += 1
    phase = (now + (30.0 if lane["arm"] % 2 else 0.0)) % 60.0
    red = phase > 24.0
    ahead = None
    for v in queue:
        gap = 1e9 if ahead is None else ahead["s"] - ahead["l"] - v["s"]
        closing = 0.0 if ahead is None else v["v"] - ahead["v"]
        if red and -60.0 < v["s"] < -18.0 and v["v"] ** 2 / 2 / 5.0 < -18.0 - v["s"]:
            if -18.0 - v["s"] + 0.8 < gap:
                gap, closing = -18.0 - v["s"] + 0.8, v["v"]
        wish = 2.0 + max(0.0, 1.2 * v["v"] + v["v"] * closing / (2 * math.sqrt(1.8 * 2.5)))
        push = 1.8 * (1 - (v["v"] / v["want"]) ** 4 - (wish / max(gap, 0.1)) ** 2)
        v["v"] = max(0.0, v["v"] + dt * max(-7.0, push))
        v["s"] += dt * v["v"]
        ahead = v
    while queue and queue[0]["s"] > 115.0:
        queue.pop(0)
    return ids


def walker(dice):
    side = dice.choice([-1, 1]) * dice.uniform(14.5, 17.5)
    along = dice.uniform(-25, 25)
    x, y = (side, along) if dice.random() < 0.5 else (along, side)
    yaw = (math.pi / 2 if x == side else 0.0) + (math.pi if dice.random() < 0.5 else 0.0)
    return {"x": x, "y": y, "yaw": yaw, "v": dice.uniform(0.8, 1.6), "pause": 0.0}


def walk(p, dt, dice):
    if p["pause"] > 0:
        p["pause"] -= dt
        p["v"] = 0.0 if p["pause"] > 0 else dice.uniform(0.8, 1.6)
    elif dice.random() < dt * 0.03:
        p["pause"] = dice.uniform(2, 10)
    p["x"] += dt * p["v"] * math.cos(p["yaw"])
    p["y"] += dt * p["v"] * math.sin(p["yaw"])
    if max(abs(p["x"]), abs(p["y"])) > 28:
        p["yaw"] += math.pi
        p["x"], p["y"] = np.clip(p["x"], -28, 28), np.clip(p["y"], -28, 28)
