"""Runs `rsu fuse` on cases, scores it, and prints tables in Markdown. See `tests/score`."""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import cases
import metrics
import stone
import trackers

ROOT = Path(__file__).resolve().parents[2]
RSU = Path(os.environ.get("RSU", ROOT / "target/release/rsu"))
SCENES = ROOT.parent / "shared/scenes"
PARTS = ["replay", "shadows", "eyesight", "noise", "mount", "modes", "extent", "class", "lasting"]
AGILITIES = [0.5, 1.5, 4.0]
COLUMNS = ["GOSPA", "MOTA", "IDF1", "HOTA", "switches", "recall", "precision", "RMSE", "RMSEv", "bias", "NEES"]
PEER_SECONDS = 13.0
PEER_CASES = 3
PEER_BEST = 3


def main():
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("files", nargs="*", help="cases in the format of the reference scenes")
    asked.add_argument("--quick", action="store_true", help="one perturbed seed and no peer")
    asked.add_argument("--seeds", type=int, default=5, help="perturbed seeds")
    asked.add_argument("--peer", action=argparse.BooleanOptionalAction, default=None, help="Stone Soup beside")
    asked.add_argument("--only", choices=["peer", "calibrate"], help="nothing but that")
    args = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.files:
            table("Given cases", [(Path(f).stem, f) for f in args.files])
            return 0
        made = make(Path(folder), 1 if args.quick else args.seeds, args.quick)
        if not made:
            print("skipped: the reference scenes are not here")
            return 0
        if args.only == "peer":
            return peer(made["perturbed"])
        if args.only == "calibrate":
            return calibrate(Path(folder))
        return report(made, args, Path(folder))


def report(made, args, folder):
    stated = table("Sensors as stated", made["stated"])
    other = table("Sensors that behave otherwise", made["perturbed"], average=True)
    told = table("Sensors that send tracks", made["tracks"])
    if not args.quick:
        table("Dense, and real trajectories", made["rest"])
        ablations(made)
        calibrate(folder)
    if args.peer or (args.peer is None and not args.quick):
        peer(made["perturbed"])
    bad = judge(stated, other, told)
    for line in bad:
        print(f"not reached: {line}")
    return 1 if bad else 0


def judge(stated, other, told):
    """The bars; what misses them."""
    mean = other[-1][1]
    bars = [("perturbed GOSPA", mean["GOSPA"], 7.5, 1), ("perturbed IDF1", mean["IDF1"], 0.82, -1)]
    bars += [("perturbed switches", mean["switches"], 40, 1)]
    first = stated[0][1]
    bars += [("stated GOSPA", first["GOSPA"], 5.8, 1), ("stated bias", abs(first["bias"]), 0.05, 1)]
    bars += [("stated NEES", first["NEES"], 2.5, 1), ("stated NEES", first["NEES"], 1.5, -1)]
    tracks = told[0][1]
    bars += [("tracks GOSPA", tracks["GOSPA"], 6.4, 1), ("tracks NEES", tracks["NEES"], 2.6, 1)]
    return [f"{name} {value:.3f} against {bar}" for name, value, bar, sign in bars if sign * (value - bar) > 0]


def make(folder, seeds, quick):
    """Writes the cases; lists of (name, file)."""
    reference = SCENES / "fusion/dev1.json"
    if not reference.exists():
        return None
    dev = cases.load(reference)
    sensors, truth = dev["sensors"], dev["truth"]
    made = {"stated": [("reference", str(reference))], "perturbed": [], "tracks": [], "rest": []}

    def write(kind, name, case):
        file = folder / f"{name.replace(' ', '_')}.json"
        file.write_text(json.dumps(case), encoding="utf-8")
        made[kind].append((name, str(file)))

    for seed in range(1, seeds + 1):
        case = cases.case(truth, sensors, cases.perturbed(seed), seed)
        write("perturbed", f"perturbed {seed}", case)
    # The devices' own trackers believe in more or less brisk traffic; the first is the one with a bar.
    for agility in [1.5] if quick else sorted(AGILITIES, key=lambda q: abs(q - 1.5)):
        write("tracks", f"tracks of the reference, q {agility}", trackers.tracked(dev, agility))
    if quick:
        return made
    for seed in (11, 12):
        write("stated", f"stated {seed}", cases.case(truth, sensors, cases.Behaviour(), seed))
    own = cases.four_arms(6, 0.07, 12)
    behaviour = replace(cases.perturbed(6), long_shadows=False)
    write("perturbed", "perturbed, own traffic", cases.case(own, sensors, behaviour, 6))
    dense = cases.four_arms(5, 0.17, 24)
    write("rest", "dense, clutter x3", cases.case(dense, sensors, cases.Behaviour(), 5, clutter=3.0))
    for number, file in enumerate(sorted((SCENES / "real_tracks").glob("*.csv"))):
        case = cases.case(cases.real(file), sensors, cases.Behaviour(), 7 + number)
        write("rest", f"real {file.stem[:12]}", case)
    return made


def fuse(file, without=()):
    command = [str(RSU), "fuse", file, "--times"]
    if without:
        command += ["--without", ",".join(without)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()], json.loads(done.stderr.splitlines()[-1])


def one(job):
    name, file, without = job
    case = cases.load(file)
    lines, times = fuse(file, without)
    return name, metrics.score(case, lines) | times


def table(title, files, without=(), average=False):
    with ProcessPoolExecutor(max(1, min(2, os.cpu_count() or 1))) as pool:
        rows = list(pool.map(one, [(name, file, without) for name, file in files]))
    if average:
        keys = rows[0][1].keys()
        rows.append(("mean", {k: sum(r[1][k] for r in rows) / len(rows) for k in keys}))
    print(f"\n### {title}\n")
    head(["mean us", "p50 us", "p99 us"])
    for name, row in rows:
        print_row(name, row, [row["mean_us"], row["p50_us"], row["p99_us"]])
    return rows


def ablations(made):
    print("\n### What each part buys: the first perturbed case and the reference without it\n")
    head()
    for part in [None, *PARTS]:
        for name, file in (made["perturbed"][0], made["stated"][0]):
            _, row = one((name, file, (part,) if part else ()))
            print_row(f"{name}, {'without ' + part if part else 'whole'}", row)


def peer(files):
    """Every set-up on the first perturbed case, the best of them on more."""
    print(f"\n### Stone Soup beside us: first {PEER_SECONDS:.0f} s\n")
    head(["ms a frame, mean", "p50"])
    setups = list(stone.SETUPS)
    for name, file in files[:PEER_CASES]:
        case = cases.load(file)
        lines, times = fuse(file)
        mine = metrics.score(case, [line for line in lines if line["t"] <= PEER_SECONDS])
        print_row(f"{name}: ours", mine, [times["mean_us"] / 1e3, times["p50_us"] / 1e3])
        rows = []
        for setup in setups:
            lines, spent = stone.run(case, setup, PEER_SECONDS)
            theirs = metrics.score(case, lines)
            rows.append((theirs["GOSPA"], setup))
            print_row(f"{name}: Stone Soup, {setup}", theirs, [sum(spent) / len(spent), sorted(spent)[len(spent) // 2]])
        setups = [setup for _, setup in sorted(rows)[:PEER_BEST]]
    return 0


TURNED_DEG, MOVED_M, LATE_S = 2.0, (0.5, -0.3), 0.05


def calibrate(folder):
    """A radar that is turned, stands elsewhere than its table says, and whose stamps are late."""
    reference = cases.load(SCENES / "fusion/dev1.json")
    truths = [("reference traffic", reference["truth"])]
    truths += [(f"real {f.stem[:12]}", cases.real(f)) for f in sorted((SCENES / "real_tracks").glob("*.csv"))]
    print(f"\n### A radar turned by {TURNED_DEG} degrees, moved by {MOVED_M} m, its stamps {1e3 * LATE_S:.0f} ms late: found\n")
    print("| case | sensors | turn, deg | east, m | north, m | late, ms | pairs | road users |")
    print("|---|---|---|---|---|---|---|---|")
    for number, (name, truth) in enumerate(truths):
        for how in ("as stated", "perturbed"):
            behaviour = cases.Behaviour() if how == "as stated" else cases.perturbed(number + 1)
            behaviour = replace(behaviour, radar_yaw_rad=math.radians(TURNED_DEG))
            case = cases.case(truth, reference["sensors"], behaviour, 20 + number)
            print_calibrated(folder, name, how, case)
    return 0


def print_calibrated(folder, name, how, case):
    radar = next(s for s in case["sensors"] if s["kind"] == "radar")
    told = [dict(s, x=s["x"] - MOVED_M[0], y=s["y"] - MOVED_M[1]) if s is radar else s for s in case["sensors"]]
    frames = [dict(f, t=f["t"] + LATE_S) if f["sensor"] == radar["id"] else f for f in case["frames"]]
    file = folder / "calibrate.json"
    file.write_text(json.dumps({"sensors": told, "frames": frames}), encoding="utf-8")
    done = subprocess.run([str(RSU), "calibrate", str(file), radar["id"], "--json"], capture_output=True, text=True)
    if done.returncode:
        print(f"| {name} | {how} | {done.stderr.strip()} | | | | | |", flush=True)
        return
    found = json.loads(done.stdout)
    east, north = found["shifted-m"]
    sigma_east, sigma_north = found["shifted-sigma-m"]
    row = [
        # Turned counter-clockwise, which takes as much back.
        f"{-found['turned-deg']:.2f} +- {found['turned-sigma-deg']:.2f}",
        f"{east:.2f} +- {sigma_east:.2f}", f"{north:.2f} +- {sigma_north:.2f}",
        f"{1e3 * found['older-s']:.0f} +- {1e3 * found['older-sigma-s']:.0f}", str(found["pairs"]), str(found["road-users"]),
    ]
    print(f"| {name} | {how} | " + " | ".join(row) + " |", flush=True)


def head(extra=()):
    names = ["case", *COLUMNS, *extra]
    print("| " + " | ".join(names) + " |")
    print("|" + "---|" * len(names), flush=True)


def print_row(name, row, extra=()):
    def text(key):
        value = float(row[key])
        if math.isnan(value):
            return "-"
        return f"{value:.0f}" if key == "switches" else f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"

    print("| " + " | ".join([name, *(text(c) for c in COLUMNS), *(f"{v:.3g}" for v in extra)]) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
