"""The scores, by tools that others wrote: Stone Soup's GOSPA, motmetrics, trackeval's HOTA.

Ours is only what they do not have: which truth and which tracks count (t >= 3 s, within 75 m of the
origin and inside a field of view), along-track bias, NEES and RMSE over the pairs that motmetrics
made.
"""

import contextlib
import io
import math
import warnings
from datetime import datetime

import motmetrics
import numpy as np
from stonesoup.metricgenerator.ospametric import GOSPAMetric
from stonesoup.types.state import State

warnings.filterwarnings("ignore")
START = datetime(2026, 1, 1)


def quick_distance(a, b):
    u, v = a.state_vector, b.state_vector
    return math.hypot(u[0, 0] - v[0, 0], u[1, 0] - v[1, 0])


def in_view(x, y, sensors):
    if math.hypot(x, y) > 75.0:
        return False
    for s in sensors:
        dx, dy = x - s["x"], y - s["y"]
        aside = abs(math.remainder(math.atan2(dy, dx) - s["yaw"], math.tau))
        if s["rmin"] <= math.hypot(dx, dy) <= s["rmax"] and aside <= 0.5 * s["fov"]:
            return True
    return False


def score(case, lines, hota=True):
    """`lines`: dicts as `rsu fuse` prints; of a tracker that gives no variances they may be None."""
    sensors = case["sensors"]
    moments = {round(m["t"], 2): m["objs"] for m in case["truth"]}
    # p = 2: the metric squares the distance itself.
    gospa = GOSPAMetric(c=5.0, p=2, measure=quick_distance)
    book = motmetrics.MOTAccumulator(auto_id=True)
    total, bias, nees, square, speed_square = [], [], [], [], []
    kept = []
    for line in lines:
        t = round(line["t"], 2)
        if t < 3.0 or t not in moments:
            continue
        truth = [o for o in moments[t] if in_view(o[2], o[3], sensors)]
        tracks = [r for r in line["tracks"] if in_view(r[1], r[2], sensors)]
        total.append(whole_gospa(gospa, truth, tracks))
        a = np.array([[o[2], o[3]] for o in truth]).reshape(-1, 2)
        b = np.array([[r[1], r[2]] for r in tracks]).reshape(-1, 2)
        apart = np.linalg.norm(a[:, None] - b[None], axis=2)
        kept.append((truth, tracks, apart))
        far = np.where(apart > 2.0, np.nan, apart)
        book.update([o[0] for o in truth], [r[0] for r in tracks], far)
        by_truth = {o[0]: o for o in truth}
        by_track = {r[0]: r for r in tracks}
        for o_id, r_id in matched(book):
            o, r = by_truth[o_id], by_track[r_id]
            error = np.array([r[1] - o[2], r[2] - o[3]])
            square.append(error @ error)
            vx, vy = o[5] * math.cos(o[4]), o[5] * math.sin(o[4])
            speed_square.append((r[3] - vx) ** 2 + (r[4] - vy) ** 2)
            if o[5] > 5.0:
                bias.append(error @ [math.cos(o[4]), math.sin(o[4])])
            if len(r) > 9 and r[7] is not None:
                cov = np.array([[r[7], r[9]], [r[9], r[8]]])
                nees.append(error @ np.linalg.solve(cov, error))
    out = {"GOSPA": float(np.mean(total))}
    host = motmetrics.metrics.create()
    names = ["mota", "idf1", "num_switches", "recall", "precision"]
    table = host.compute(book, metrics=names, name="x").loc["x"]
    out |= {"MOTA": table.mota, "IDF1": table.idf1, "switches": int(table.num_switches)}
    out |= {"recall": table.recall, "precision": table.precision}
    if hota:
        out["HOTA"] = higher_order(kept)
    out["RMSE"] = math.sqrt(np.mean(square)) if square else math.nan
    out["RMSEv"] = math.sqrt(np.mean(speed_square)) if square else math.nan
    out["bias"] = float(np.mean(bias)) if bias else math.nan
    out["NEES"] = float(np.mean(nees)) if nees else math.nan
    return out


def matched(book):
    """The pairs of the last frame given to the accumulator."""
    events, frames = book._events, book._indices["FrameId"]
    out = []
    for i in range(len(frames) - 1, -1, -1):
        if frames[i] != frames[-1]:
            break
        if events["Type"][i] in ("MATCH", "SWITCH"):
            out.append((events["OId"][i], events["HId"][i]))
    return out


def whole_gospa(gospa, truth, tracks):
    a = [State([[o[2]], [o[3]]], timestamp=START) for o in truth]
    b = [State([[r[1]], [r[2]]], timestamp=START) for r in tracks]
    metric, _ = gospa.compute_gospa_metric(b, a)
    return metric.value["distance"]


def higher_order(kept):
    with contextlib.redirect_stdout(io.StringIO()):  # it speaks of parts that we do not use
        import trackeval

    ids_truth = {o[0] for truth, _, _ in kept for o in truth}
    ids_tracks = {r[0] for _, tracks, _ in kept for r in tracks}
    number_truth = {key: n for n, key in enumerate(sorted(ids_truth))}
    number_tracks = {key: n for n, key in enumerate(sorted(ids_tracks))}
    data = {
        "num_timesteps": len(kept),
        "num_gt_ids": len(number_truth),
        "num_tracker_ids": len(number_tracks),
        "num_gt_dets": sum(len(truth) for truth, _, _ in kept),
        "num_tracker_dets": sum(len(tracks) for _, tracks, _ in kept),
        "gt_ids": [np.array([number_truth[o[0]] for o in truth], dtype=int) for truth, _, _ in kept],
        "tracker_ids": [np.array([number_tracks[r[0]] for r in tracks], dtype=int) for _, tracks, _ in kept],
        "similarity_scores": [np.maximum(0.0, 1.0 - apart / 2.0) for _, _, apart in kept],
    }
    return float(np.mean(trackeval.metrics.HOTA().eval_sequence(data)["HOTA"]))
