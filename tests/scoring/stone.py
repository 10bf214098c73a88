"""Stone Soup beside us: the same frames, a re-order buffer, and several ways to set it up.

A plain multi-sensor tracker of its parts: extended Kalman filter, global nearest neighbour, an
initiator that wants several hits, a deleter by time since the last update. It gets the sensors as
stated, the same as we do. `SETUPS` are tried; whoever calls keeps the best.
"""

import heapq
import math
import time
import warnings
from datetime import datetime, timedelta

import numpy as np

warnings.filterwarnings("ignore")
START = datetime(2026, 1, 1)
HOLD_S = 0.16

# motion (model, spectral density); hits before a track is spoken of; gates in sigmas, of tracks and
# of what may become one; seconds without a hit until a track, or what may become one, is dropped.
SETUPS = {
    "cv q1 5 hits": ("cv", 1.0, 5, 3.5, 2.5, 1.2, 0.3),
    "cv q3 5 hits": ("cv", 3.0, 5, 3.5, 2.5, 1.2, 0.3),
    "cv q1 7 hits slow": ("cv", 1.0, 7, 3.5, 2.5, 2.0, 0.3),
    "cv q1 8 hits": ("cv", 1.0, 8, 4.0, 2.0, 1.2, 0.25),
    "singer 7 hits": ("singer", 1.0, 7, 3.5, 2.5, 1.2, 0.3),
    "ca 7 hits": ("ca", 0.5, 7, 3.5, 2.5, 1.2, 0.3),
}


def run(case, setup, until=None):
    """Lines as `rsu fuse` prints them, and the milliseconds of each frame."""
    from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
    from stonesoup.hypothesiser.distance import DistanceHypothesiser
    from stonesoup.measures import Mahalanobis
    from stonesoup.predictor.kalman import ExtendedKalmanPredictor
    from stonesoup.updater.kalman import ExtendedKalmanUpdater

    model, density, hits, gate, narrow, silence_s, patience_s = SETUPS[setup]
    motion, size = transition(model, density)
    predictor, updater = ExtendedKalmanPredictor(motion), ExtendedKalmanUpdater(None)
    associators = [
        GNNWith2DAssignment(DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=d))
        for d in (gate, narrow)
    ]
    book = Book(updater, size, hits, (silence_s, patience_s))
    sensors = {s["id"]: s for s in case["sensors"]}
    waiting, lines, spent = [], [], []
    frames = case["frames"]
    end = until or max(f["t"] for f in frames)
    place, newest = 0, -1.0
    for tick in range(1, int(end * 10 + 0.5) + 1):
        t = tick / 10
        while place < len(frames) and frames[place]["ta"] <= t:
            frame = frames[place]
            heapq.heappush(waiting, (frame["t"], place, frame))
            place += 1
        while waiting and waiting[0][0] <= t - HOLD_S:
            at, _, frame = heapq.heappop(waiting)
            if at < newest:
                continue  # later than the buffer can mend
            newest = at
            begun = time.perf_counter()
            now = START + timedelta(seconds=at)
            found = detections(frame, sensors[frame["sensor"]], now, size)
            book.step(associators, found, now)
            spent.append(1e3 * (time.perf_counter() - begun))
        lines.append({"t": t, "tracks": book.spoken(START + timedelta(seconds=t), predictor, size)})
    return lines, spent


def transition(model, density):
    from stonesoup.models.transition.linear import (
        CombinedLinearGaussianTransitionModel as Combined,
        ConstantAcceleration,
        ConstantVelocity,
        Singer,
    )

    if model == "cv":
        return Combined([ConstantVelocity(density)] * 2), 2
    if model == "ca":
        return Combined([ConstantAcceleration(density)] * 2), 3
    return Combined([Singer(density, 0.5)] * 2), 3


def detections(frame, sensor, now, size):
    from stonesoup.models.measurement.linear import LinearGaussian
    from stonesoup.models.measurement.nonlinear import CartesianToBearingRangeRate2D
    from stonesoup.types.angle import Bearing
    from stonesoup.types.array import CovarianceMatrix, StateVector
    from stonesoup.types.detection import Detection

    found, dims = set(), 2 * size
    for d in frame["dets"]:
        if sensor["kind"] == "camera":
            yaw = math.atan2(d["y"] - sensor["y"], d["x"] - sensor["x"])
            turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
            cov = turn @ np.diag([d["sr"] ** 2, d["sc"] ** 2]) @ turn.T
            model = LinearGaussian(dims, (0, size), CovarianceMatrix(cov))
            vector = StateVector([d["x"], d["y"]])
        else:
            # The reflection point wanders over the body: 0.6 m on top of the stated range error.
            noise = np.diag([math.radians(0.5) ** 2 + (0.3 / d["r"]) ** 2, 0.25**2 + 0.6**2, 0.15**2])
            model = CartesianToBearingRangeRate2D(
                dims, (0, size), CovarianceMatrix(noise), velocity_mapping=(1, size + 1),
                translation_offset=StateVector([sensor["x"], sensor["y"]]), velocity=StateVector([0, 0]),
            )
            vector = StateVector([Bearing(d["az"]), d["r"], d["rr"]])
        found.add(Detection(vector, measurement_model=model, timestamp=now))
    return found


class Book:
    """Tracks and who they are."""

    def __init__(self, updater, size, hits, silence_s):
        self.updater, self.size, self.hits, self.silence_s = updater, size, hits, silence_s
        self.tracks, self.seen, self.count, self.numbers = set(), {}, {}, {}

    def step(self, associators, found, now):
        from stonesoup.types.track import Track

        # Established tracks choose first, then what may become one.
        sure = {track for track in self.tracks if self.count[track] >= self.hits}
        used = set()
        for associator, tracks in zip(associators, (sure, self.tracks - sure)):
            for track, hypothesis in associator.associate(tracks, found - used, now).items():
                if hypothesis:
                    track.append(self.updater.update(hypothesis))
                    used.add(hypothesis.measurement)
                    self.seen[track], self.count[track] = now, self.count[track] + 1
                else:
                    track.append(hypothesis.prediction)
                del track.states[:-2]
        for track in list(self.tracks):
            silent = (now - self.seen[track]).total_seconds()
            if silent > self.silence_s[track not in sure]:
                self.tracks.discard(track)
        for one in found - used:
            track = Track([self.first(one, now)])
            self.tracks.add(track)
            self.seen[track], self.count[track] = now, 1

    def first(self, one, now):
        from stonesoup.types.state import GaussianState

        size, model = self.size, one.measurement_model
        x, cov = np.zeros((2 * size, 1)), np.diag(([1.0, 64.0, 4.0][:size]) * 2)
        if hasattr(model, "translation_offset"):
            azimuth, reach, rate = (float(v) for v in one.state_vector)
            unit = np.array([math.cos(azimuth), math.sin(azimuth)])
            place = model.translation_offset.ravel().astype(float) + reach * unit
            x[[0, size], 0] = place
            x[[1, size + 1], 0] = rate * unit
        else:
            x[[0, size], 0] = one.state_vector.ravel().astype(float)
            cov[np.ix_([0, size], [0, size])] = model.covar()
        return GaussianState(x, cov, timestamp=now)

    def spoken(self, now, predictor, size):
        rows = []
        for track in self.tracks:
            if self.count[track] < self.hits:
                continue
            number = self.numbers.setdefault(track, len(self.numbers) + 1)
            state = predictor.predict(track.state, timestamp=max(now, track.state.timestamp))
            x = np.asarray(state.state_vector, dtype=float).ravel()
            p = np.asarray(state.covar, dtype=float)
            i, j = 0, size
            rows.append([number, x[0], x[size], x[1], x[size + 1], 0.0, "", p[i, i], p[j, j], p[i, j]])
        return rows
