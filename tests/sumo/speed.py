"""Steps of our world against SUMO's, by the time of the processor: speed.py SUMO_BIN WORLD_STEPS FOURARM_NET

SUMO runs twice, with the same seed, to the beginning and to the end of the span; the difference is the
span, without loading. Exit 1 if ours is not ten times as quick.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

BIN, OURS, FOURARM = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
# Seconds until the roads are full, and seconds that are measured.
SPANS = {"four-arm": (400, 300), "grid 10x10": (300, 60)}
REPEATS = 2
THROUGH = 400  # vehicles an hour of each arm that go straight on; turns carry 40 % of it each
GRID_FLOW = 350  # vehicles an hour of each road at the edge
LEFT = RIGHT = 0.4 / 1.8
WANTED = 10.0


def sumo(net, routes, end_s, *more):
    """Runs SUMO and returns the processor's time."""
    command = [BIN / "sumo", "-n", net, "-r", routes, "--step-length", "0.1", "--seed", "1"]
    command += ["--end", str(end_s), "--no-step-log", "--no-warnings", "--duration-log.disable"]
    command += ["--time-to-teleport", "-1", *more]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"sumo ended with {status}")
    return used.ru_utime + used.ru_stime


def theirs(net, routes, folder, warm_up_s, span_s):
    """Microseconds for a step, the best of some, and the mean of vehicles."""
    summary = folder / "summary.xml"
    sumo(net, routes, warm_up_s + span_s, "--summary-output", summary)
    steps = [step for step in ET.parse(summary).getroot() if float(step.get("time")) >= warm_up_s]
    vehicles = sum(int(step.get("running")) for step in steps) / len(steps)
    spent = []
    for _ in range(REPEATS):
        before = sumo(net, routes, warm_up_s)
        spent.append(sumo(net, routes, warm_up_s + span_s) - before)
    return min(spent) / (span_s * 10) * 1e6, vehicles


def ours(case, flow, warm_up_s, span_s):
    """The same of our world."""
    words = [OURS, case, str(flow), str(warm_up_s), str(span_s)]
    runs = [json.loads(subprocess.check_output(words)) for _ in range(REPEATS)]
    best = min(runs, key=lambda run: run["us_per_step"])
    return best["us_per_step"], best["vehicles"]


def fourarm_routes(model, path):
    lines = [f'<routes><vType id="car" carFollowModel="{model}"/>']
    for one in "nesw":
        for other in "nesw":
            if one == other:
                continue
            straight = {one, other} in ({"n", "s"}, {"e", "w"})
            flow = THROUGH * (1.0 if straight else 0.4)
            lines.append(
                f'<flow id="{one}{other}" type="car" begin="0" end="3600" vehsPerHour="{flow}" '
                f'from="{one}2c" to="c2{other}" departLane="best" departSpeed="max"/>'
            )
    path.write_text("\n".join(lines) + "</routes>")


def grid_net(path):
    command = [BIN / "netgenerate", "--grid", "--grid.number", "10", "--grid.length", "200"]
    command += ["--grid.attach-length", "100", "--default.lanenumber", "3", "--default.speed", "13.89"]
    command += ["--default-junction-type", "traffic_light", "--tls.cycle.time", "90"]
    command += ["--no-turnarounds", "true", "--no-warnings", "true", "-o", path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def grid_routes(net, model, path, until_s=sum(SPANS["grid 10x10"])):
    """Everybody turns by chance at each junction until out of the grid, as ours do."""
    root = ET.parse(net).getroot()
    ends = {j.get("id") for j in root.iter("junction") if j.get("type") == "dead_end"}
    edges = {e.get("id"): e for e in root.iter("edge") if not e.get("id").startswith(":")}
    ways = {}
    for link in root.iter("connection"):
        if link.get("from") in edges:
            ways.setdefault(link.get("from"), {})[link.get("dir").lower()] = link.get("to")
    draw = random.Random(1)
    vehicles = []
    for edge in sorted(e for e in edges if edges[e].get("from") in ends):
        at = draw.expovariate(GRID_FLOW / 3600)
        while at < until_s:
            route = [edge]
            while edges[route[-1]].get("to") not in ends:
                turn = draw.random()
                turn = "l" if turn < LEFT else "r" if turn < LEFT + RIGHT else "s"
                route.append(ways[route[-1]][turn])
            vehicles.append((at, route))
            at += draw.expovariate(GRID_FLOW / 3600)
    vehicles.sort()
    lines = [f'<routes><vType id="car" carFollowModel="{model}"/>']
    for i, (at, route) in enumerate(vehicles):
        lines.append(
            f'<vehicle id="{i}" type="car" depart="{at:.2f}" departLane="best" departSpeed="max">'
            f'<route edges="{" ".join(route)}"/></vehicle>'
        )
    path.write_text("\n".join(lines) + "</routes>")


def main():
    slow = False
    print(f"{'network':<10} {'who':<12} {'vehicles':>9} {'us/step':>9} {'ns/vehicle':>11} {'ours is':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = []
        if FOURARM.exists():
            cases.append(("four-arm", FOURARM, fourarm_routes, ("fourarm", THROUGH)))
        else:
            print(f"four-arm skipped: {FOURARM} is not there")
        net = folder / "grid.net.xml"
        grid_net(net)
        grid = lambda model, path: grid_routes(net, model, path)  # noqa: E731
        cases.append(("grid 10x10", net, grid, ("grid", GRID_FLOW)))
        for case, net, make, words in cases:
            own_us, own_vehicles = ours(*words, *SPANS[case])
            print(f"{case:<10} {'ours':<12} {own_vehicles:9.1f} {own_us:9.2f} {own_us / own_vehicles * 1e3:11.0f}")
            for model in ("Krauss", "IDM"):
                routes = folder / "routes.rou.xml"
                make(model, routes)
                us, vehicles = theirs(net, routes, folder, *SPANS[case])
                times = us / own_us
                slow |= times < WANTED
                print(
                    f"{case:<10} {'SUMO ' + model:<12} {vehicles:9.1f} {us:9.2f} "
                    f"{us / vehicles * 1e3:11.0f} {times:7.1f} x"
                )
    if slow:
        sys.exit(f"ours is not {WANTED:.0f} times as quick")


main()
