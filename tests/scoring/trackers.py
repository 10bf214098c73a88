"""Sensors that send tracks: each runs a tracker of its own, and only its tracks are known outside.

What such a device sends of a track is its state with covariances of position and of velocity, under a
number of its own; that is little, but all that devices on the market say. The trackers are plain: constant
velocity, nearest global assignment, three hits to begin, a few misses to end.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

GATE = 13.8
BEGIN_HITS = 3
END_AFTER_S = 0.6


@dataclass
class Track:
    number: int
    x: np.ndarray
    p: np.ndarray
    seen: float
    hits: int = 1
    classes: dict = field(default_factory=dict)
    size: list = field(default_factory=lambda: [None, None])


class Tracker:
    def __init__(self, sensor, agility):
        self.sensor, self.agility = sensor, agility
        self.tracks, self.at, self.number = [], None, 0

    def take(self, frame):
        """The detections of a frame in; the tracks out, as detections of the extended format."""
        t = frame["t"]
        dt = 0.0 if self.at is None else t - self.at
        self.at = t
        for track in self.tracks:
            predict(track, dt, self.agility)
        measured = [measurement(self.sensor, d) for d in frame["dets"]]
        taken = self.pair(measured)
        for n, (z, r, rate) in enumerate(measured):
            if n in taken:
                self.update(taken[n], z, r, rate, frame["dets"][n], t)
            else:
                self.begin(z, r, frame["dets"][n], t)
        self.tracks = [k for k in self.tracks if t - k.seen <= (END_AFTER_S if k.hits >= BEGIN_HITS else 0.25)]
        return [said(track) for track in self.tracks if track.hits >= BEGIN_HITS]

    def pair(self, measured):
        if not measured or not self.tracks:
            return {}
        cost = np.full((len(measured), len(self.tracks)), 1e6)
        for i, (z, r, rate) in enumerate(measured):
            for j, track in enumerate(self.tracks):
                away = z - track.x[:2]
                if abs(away[0]) > 15 or abs(away[1]) > 15:
                    continue
                s = track.p[:2, :2] + r
                d2 = away @ np.linalg.solve(s, away)
                if rate is not None:
                    u, value, var = rate
                    d2 += (value - u @ track.x[2:]) ** 2 / (u @ track.p[2:, 2:] @ u + var)
                if d2 < GATE:
                    cost[i, j] = d2 + math.log(np.linalg.det(s))
        rows, columns = linear_sum_assignment(cost)
        return {i: self.tracks[j] for i, j in zip(rows, columns) if cost[i, j] < 1e5}

    def update(self, track, z, r, rate, det, t):
        h = np.eye(2, 4)
        correct(track, z, h, r)
        if rate is not None:
            u, value, var = rate
            correct(track, np.array([value]), np.concatenate([[0, 0], u])[None, :], np.array([[var]]))
        track.seen, track.hits = t, track.hits + 1
        describe(track, det)

    def begin(self, z, r, det, t):
        self.number = self.number % 250 + 1
        p = np.zeros((4, 4))
        p[:2, :2] = r
        p[2:, 2:] = np.eye(2) * 64.0
        track = Track(self.number, np.array([*z, 0.0, 0.0]), p, t)
        describe(track, det)
        self.tracks.append(track)


def predict(track, dt, agility):
    f = np.eye(4)
    f[0, 2] = f[1, 3] = dt
    q = np.kron(np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]), np.eye(2)) * agility
    track.x = f @ track.x
    track.p = f @ track.p @ f.T + q


def correct(track, z, h, r):
    s = h @ track.p @ h.T + r
    gain = track.p @ h.T @ np.linalg.inv(s)
    track.x = track.x + gain @ (z - h @ track.x)
    keep = np.eye(4) - gain @ h
    track.p = keep @ track.p @ keep.T + gain @ r @ gain.T


def measurement(sensor, det):
    """Position, its covariance, and for a radar the direction, value and variance of the range rate."""
    if "r" in det:
        u = np.array([math.cos(det["az"]), math.sin(det["az"])])
        z = np.array([sensor["x"], sensor["y"]]) + det["r"] * u
        # The echo wanders over the body, which the radar does not know.
        return z, axes(u, 0.7, max(0.4, 0.01 * det["r"])), (u, det["rr"], 0.04)
    away = np.array([det["x"] - sensor["x"], det["y"] - sensor["y"]])
    u = away / max(np.linalg.norm(away), 0.1)
    return np.array([det["x"], det["y"]]), axes(u, det["sr"], det["sc"]), None


def axes(u, along, across):
    v = np.array([-u[1], u[0]])
    return along**2 * np.outer(u, u) + across**2 * np.outer(v, v)


def describe(track, det):
    if det.get("cls"):
        track.classes[det["cls"]] = track.classes.get(det["cls"], 0) + 1
    for n, key in enumerate("lw"):
        if det.get(key) is not None:
            old = track.size[n]
            track.size[n] = det[key] if old is None else old + 0.2 * (det[key] - old)


def said(track):
    p = [round(float(v), 5) for v in (track.p[0, 0], track.p[0, 1], track.p[1, 1])]
    v = [round(float(v), 5) for v in (track.p[2, 2], track.p[2, 3], track.p[3, 3])]
    x = [round(float(v), 4) for v in track.x]
    line = {"id": track.number, "x": x[0], "y": x[1], "vx": x[2], "vy": x[3], "pos": p, "vel": v}
    if track.classes:
        line["cls"] = max(track.classes, key=track.classes.get)
    if track.size[0] is not None:
        line |= {"l": round(track.size[0], 2), "w": round(track.size[1], 2)}
    return line


def tracked(case, agility=1.5):
    """A case of detections as a case of tracks, without latency. `agility`: how briskly the devices believe
    that things move, spectral density of acceleration in (m/s²)² s."""
    trackers = {s["id"]: Tracker(s, agility) for s in case["sensors"]}
    frames = []
    for frame in sorted(case["frames"], key=lambda f: f["t"]):
        dets = trackers[frame["sensor"]].take(frame)
        frames.append({"sensor": frame["sensor"], "t": frame["t"], "ta": frame["t"], "dets": dets})
    sensors = [s | {"tracks": True} for s in case["sensors"]]
    return {"sensors": sensors, "frames": frames, "truth": case["truth"]}
