"""Drives `rsu run` with 300 objects at 20 Hz and a signal controller, and tells what recording them
took: load.py RSU FOLDER SECONDS [kill]. Ends with 1 where something was dropped or cannot be read back, or
does not play to the same frames. With `kill` the unit is not asked to end but killed."""

import json
import math
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

from mcap.exceptions import EndOfFile
from mcap.reader import NonSeekingReader

BOXES, EACH, HZ = 4, 75, 20
program, folder, seconds = sys.argv[1], Path(sys.argv[2]).resolve(), int(sys.argv[3])
kill = sys.argv[4:] == ["kill"]
chance = random.Random(1)
project = Path(__file__).resolve().parents[2]


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


boxes = [free_port(socket.SOCK_DGRAM) for _ in range(BOXES)]
lamps, air, page = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
tables = "".join(
    f"[[input.detected-objects]]\nname = 'box-{n}'\nlisten = 'udp://127.0.0.1:{port}'\nsensor = 'fused'\n"
    "mount = { east-m = 0, north-m = 0, up-m = 6, heading-deg = 0 }\n"
    for n, port in enumerate(boxes)
)
config = folder / "rsu.toml"
config.write_text(
    f"[station]\nname = 'load'\nsite = '{project}/configs/sites/moyu-boyuan.toml'\n"
    f"[clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://127.0.0.1:{air}'\n"
    f"[record]\nfolder = 'kept'\nkeep-free-mb = 0\n[console]\nlisten = '127.0.0.1:{page}'\n"
    f"[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:{lamps}'\n{tables}"
)
lines = (project / "tests/data/moyu-boyuan.gat1743.hex").read_text().splitlines()
states = [bytes.fromhex(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def cars(arm, t):
    """A file of cars that drive away from the junction on an arm, and begin anew 600 m away."""
    bearing = arm * math.pi / 2
    for n in range(EACH):
        far = 15 + (n * 8 + 12 * t) % 600
        side = 2 + 3.5 * (n % 3)
        east = math.sin(bearing) * far + math.cos(bearing) * side
        north = math.cos(bearing) * far - math.sin(bearing) * side
        yield {
            "id": n, "class": "car",
            # Noise as a sensor has it, without which zstd would find too little to keep.
            "east_m": round(east + chance.gauss(0, 0.3), 3), "north_m": round(north + chance.gauss(0, 0.3), 3),
            "speed_mps": round(12 + chance.gauss(0, 0.2), 3), "heading_deg": math.degrees(bearing), "length_m": 4.6, "width_m": 1.8,
        }


def metrics():
    with urllib.request.urlopen(f"http://127.0.0.1:{page}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return {line.rpartition(" ")[0].removesuffix("{}"): float(line.rpartition(" ")[2])
            for line in text.splitlines() if not line.startswith("#")}


def of_threads(pid):
    """Seconds of processor time by name of thread."""
    spent = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        stat = (task / "stat").read_text()
        name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
        spent[name] += (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")
    return spent


unit = subprocess.Popen([program, "run", str(config), "--seed", "1", "--log-level", "warn"])
try:
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    time.sleep(1)
    before, began, late, slot = of_threads(unit.pid), time.monotonic(), 0, 0
    while slot < seconds * HZ:
        due = began + slot / HZ
        pause = due - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        late = max(late, -pause)
        for arm, port in enumerate(boxes):
            said = {"time_ms": int(time.time() * 1000), "sequence": slot, "objects": list(cars(arm, slot / HZ))}
            out.sendto(json.dumps(said, separators=(",", ":")).encode(), ("127.0.0.1", port))
        if slot % 3 == 0:
            out.sendto(states[slot // 3 % len(states)], ("127.0.0.1", lamps))
        slot += 1
    took = time.monotonic() - began
    after, told = of_threads(unit.pid), metrics()
finally:
    ended_ns = time.monotonic_ns()
    unit.kill() if kill else unit.terminate()
    unit.wait()

# A line each, and what is wanted where something is.
dropped = told["rsu_recording_dropped_total"]
print(f"{seconds} s, {BOXES * EACH} objects at {HZ} Hz, sent at most {late * 1e3:.0f} ms late")
for name in sorted(after, key=lambda name: -(after[name] - before[name])):
    if after[name] - before[name] >= 0.01 * took:
        print(f"  thread {name:16} {(after[name] - before[name]) / took:6.2%} of a core")
share = (after["recorder"] - before["recorder"]) / took
print(f"recorder {share:.2%} of a core, wanted below 5 %: {'reached' if share < 0.05 else 'not reached'}")
print(f"dropped by the recorder {dropped:.0f}, by the heart's queue "
      f"{sum(value for name, value in told.items() if name.startswith('rsu_input_displaced_total')):.0f}")
files = sorted((folder / "kept").glob("*.mcap"))
size = sum(file.stat().st_size for file in files)
print(f"{len(files)} files, {size / 1e6:.1f} MB, {size / took * 3600 / 1e6:.0f} MB an hour, "
      f"{told['rsu_recording_messages_total']:.0f} messages")
began, by_topic, whole, last = time.monotonic(), Counter(), 0, None
for file in files:
    with file.open("rb") as stream:
        try:
            for _, channel, message in NonSeekingReader(stream).iter_messages(log_time_order=False):
                by_topic[channel.topic.split("/")[1]] += 1
                whole += len(message.data)
                last = message.data
        except EndOfFile:
            print("the last file was cut short")
print(f"its last message is of {(ended_ns - json.loads(last)['mono_ns']) / 1e9:.2f} s before the end")
print(f"read back by PyPI mcap in {time.monotonic() - began:.0f} s: {sum(by_topic.values())} messages, "
      f"{whole / 1e6:.0f} MB of JSON; {dict(sorted(by_topic.items()))}")
sent = sum(value for name, value in told.items() if name.startswith("rsu_frames_sent_total"))
missing = sent - by_topic["frame"]
print(f"{by_topic['frame']} frames kept of {sent:.0f} sent when last asked")
began = time.monotonic()
replay = subprocess.run([program, "replay", str(folder / "kept"), "--diff"], capture_output=True, text=True)
print(f"rsu replay --diff in {time.monotonic() - began:.0f} s: {replay.stderr.strip()}")
# Whoever is killed takes a chunk with him, which holds a second.
enough = missing <= (sent / seconds * 3 if kill else 0)
sys.exit(dropped > 0 or not enough or by_topic["gap"] > 0 or replay.returncode != 0)
