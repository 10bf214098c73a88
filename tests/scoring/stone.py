"""Stone Soup beside us: the same frames, a re-order buffer, and several ways to set it up.

A plain multi-sensor tracker of its parts: extended Kalman filter, global nearest neighbour, an
initiator that wants several hits, a deleter by time since the last update. It gets the sensors as
stated, the same as we do. `SETUPS` are tried; whoever calls keeps the best.
"""

import heapq
import math
import time
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

warnings.filterwarnings("ignore")

START = datetime(2026, 1, 1)
HOLD_S = 0.16



@dataclass
class Setup:
    """How it is set up."""

    model: str = "cv"  # how things move, and how much that is disturbed
    density: float = 1.0
    hits: int = 5  # before a track is spoken of
    gate: float = 3.5  # in sigmas, of tracks
    narrow: float = 2.5  # the same of what may become one
    silence_s: float = 1.2  # without a hit until a track is dropped
    patience_s: float = 0.3  # the same of what may become one
    starts: str = "any"  # whose detections may begin a track: any, cameras
    initiator: str = "own"  # ours, or Stone Soup's MultiMeasurementInitiator on what cameras see


SETUPS = {
    "cv q1, 5 hits": Setup(),
    "cv q3, 5 hits": Setup(density=3.0),
    "cv q1, 7 hits": Setup(hits=7),
    "cv q1, 7 hits, slow to drop": Setup(hits=7, silence_s=2.0),
    "cv q1, 5 hits, begun by cameras": Setup(starts="cameras"),
    "cv q1, 4 hits, begun by cameras": Setup(hits=4, starts="cameras"),
    "cv q2, 5 hits, begun by cameras, slow": Setup(density=2.0, silence_s=2.0, starts="cameras"),
    "cv q1, MultiMeasurementInitiator 4": Setup(hits=4, starts="cameras", initiator="multi"),
    "cv q1, MultiMeasurementInitiator 6": Setup(hits=6, starts="cameras", initiator="multi"),
    "Singer, 5 hits, begun by cameras": Setup(model="singer", starts="cameras"),
    "Singer, 7 hits": Setup(model="singer", hits=7),
    "ca q0.5, 5 hits, begun by cameras": Setup(model="ca", density=0.5, starts="cameras"),
    "Ornstein-Uhlenbeck, 5 hits, begun by cameras": Setup(model="ou", starts="cameras"),
}
# Farther apart than this no track and detection are looked at: wider than any gate here becomes.
REACH_M = 12.0


def run(case, setup, until=None):
    """Lines as `rsu fuse` prints them, and the milliseconds of each frame."""
    from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
    from stonesoup.hypothesiser.distance import DistanceHypothesiser
    from stonesoup.measures import Mahalanobis
    from stonesoup.predictor.kalman import ExtendedKalmanPredictor
    from stonesoup.updater.kalman import ExtendedKalmanUpdater

    how = SETUPS[setup]
    motion, size = transition(how.model, how.density)
    predictor, updater = ExtendedKalmanPredictor(motion), ExtendedKalmanUpdater(None)

    class Near(DistanceHypothesiser):
        """What is far from each other is not worth a matrix."""

        def hypothesise(self, track, detections, timestamp, **kwargs):
            x = self.predictor.predict(track, timestamp=timestamp).state_vector
            near = {d for d in detections if abs(x[0, 0] - d.metadata["x"]) < REACH_M and abs(x[size, 0] - d.metadata["y"]) < REACH_M}
            return super().hypothesise(track, near, timestamp, **kwargs)

    associators = [
        GNNWith2DAssignment(Near(predictor, updater, Mahalanobis(), missed_distance=d)) for d in (how.gate, how.narrow)
    ]
    book = Book(updater, size, how, associators)
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
            book.step(found, now)
            spent.append(1e3 * (time.perf_counter() - begun))
        lines.append({"t": t, "tracks": book.spoken(START + timedelta(seconds=t), predictor, size)})
    return lines, spent


def transition(model, density):
    from stonesoup.models.transition.linear import (
        CombinedLinearGaussianTransitionModel,
        ConstantAcceleration,
        ConstantVelocity,
        Singer,
    )

    class Combined(CombinedLinearGaussianTransitionModel):
        """Its matrices of one interval are made once, for they cost a fifth of all time."""

        def matrix(self, **kwargs):
            return self.once("matrix", super().matrix, kwargs)

        def covar(self, **kwargs):
            return self.once("covar", super().covar, kwargs)

        def once(self, what, make, kwargs):
            made = self.__dict__.setdefault("made", {})
            key = what, kwargs["time_interval"]
            if key not in made:
                made[key] = make(**kwargs)
            return made[key]

    if model == "ou":
        from stonesoup.models.transition.linear import OrnsteinUhlenbeck

        return Combined([OrnsteinUhlenbeck(density, 0.02)] * 2), 2
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

    found, dims, radars = set(), 2 * size, {}
    for d in frame["dets"]:
        if sensor["kind"] == "camera":
            yaw = math.atan2(d["y"] - sensor["y"], d["x"] - sensor["x"])
            turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
            cov = turn @ np.diag([d["sr"] ** 2, d["sc"] ** 2]) @ turn.T
            model = LinearGaussian(dims, (0, size), CovarianceMatrix(cov))
            vector = StateVector([d["x"], d["y"]])
        else:
            # The reflection point wanders over the body: 0.6 m on top of the stated range error.
            # One model for detections of about one range: what it makes of a track is made once.
            ring = round(d["r"] / 5.0)
            model = radars.get(ring)
            if model is None:
                noise = np.diag([math.radians(0.5) ** 2 + (0.3 / max(5.0 * ring, 2.5)) ** 2, 0.25**2 + 0.6**2, 0.15**2])
                model = radars[ring] = CartesianToBearingRangeRate2D(
                    dims, (0, size), CovarianceMatrix(noise), velocity_mapping=(1, size + 1),
                    translation_offset=StateVector([sensor["x"], sensor["y"]]), velocity=StateVector([0, 0]),
                )
            vector = StateVector([Bearing(d["az"]), d["r"], d["rr"]])
        at = {"x": d["x"], "y": d["y"]} if "x" in d else {
            "x": sensor["x"] + d["r"] * math.cos(d["az"]), "y": sensor["y"] + d["r"] * math.sin(d["az"])
        }
        found.add(Detection(vector, measurement_model=model, timestamp=now, metadata=at))
    return found


class Book:
    """Tracks and who they are."""

    def __init__(self, updater, size, how, associators):
        self.updater, self.size, self.how, self.associators = updater, size, how, associators
        self.tracks, self.seen, self.count, self.numbers = set(), {}, {}, {}
        self.multi = self.stone_soups_own() if how.initiator == "multi" else None

    def stone_soups_own(self):
        from stonesoup.deleter.time import UpdateTimeDeleter
        from stonesoup.initiator.simple import MultiMeasurementInitiator
        from stonesoup.types.state import GaussianState

        prior = GaussianState(np.zeros((2 * self.size, 1)), np.diag(([1.0, 64.0, 4.0][: self.size]) * 2))
        return MultiMeasurementInitiator(
            prior, UpdateTimeDeleter(timedelta(seconds=self.how.patience_s)), self.associators[1], self.updater,
            min_points=self.how.hits, skip_non_reversible=True,
        )

    def step(self, found, now):
        from stonesoup.types.track import Track

        # Established tracks choose first, then what may become one.
        sure = {track for track in self.tracks if self.count[track] >= self.how.hits}
        used = set()
        for associator, tracks in zip(self.associators, (sure, self.tracks - sure)):
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
            if silent > (self.how.silence_s if track in sure else self.how.patience_s):
                self.tracks.discard(track)
        rest = found - used
        if self.multi:
            for track in self.multi.initiate(rest, now):
                self.tracks.add(track)
                self.seen[track], self.count[track] = now, self.how.hits
            return
        for one in rest:
            if self.how.starts == "cameras" and hasattr(one.measurement_model, "translation_offset"):
                continue
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
            if self.count[track] < self.how.hits:
                continue
            number = self.numbers.setdefault(track, len(self.numbers) + 1)
            state = predictor.predict(track.state, timestamp=max(now, track.state.timestamp))
            x = np.asarray(state.state_vector, dtype=float).ravel()
            p = np.asarray(state.covar, dtype=float)
            i, j = 0, size
            rows.append([number, x[0], x[size], x[1], x[size + 1], 0.0, "", p[i, i], p[j, j], p[i, j]])
        return rows
