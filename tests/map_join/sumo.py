"""Road networks that are not ours, imported: SUMO's netgenerate and netconvert draw and convert them.

Held here: every junction with signals becomes a site that `rsu map check` accepts without a remark of
wrong; no two phases that a program shows a right-of-way green (G) together are said to conflict; and
the same network as .net.xml and as OpenDRIVE ends its lanes at the same stop lines.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

ORIGIN = "31.25,121.2"
NETS = {
    "grid": ["--grid", "--grid.number=3", "--grid.length=250", "--grid.attach-length=200", "-L=3",
             "--turn-lanes=1", "--sidewalks.guess", "--crossings.guess"],
    "bikes": ["--grid", "--grid.number=2", "--grid.length=300", "--grid.attach-length=200", "-L=2",
              "--bikelanes.guess", "--bikelanes.guess.min-speed=5", "--sidewalks.guess", "--crossings.guess"],
    "spider": ["--spider", "--spider.arm-number=5", "--spider.circle-number=2", "--spider.space-radius=200",
               "-L=2"],
    "random": ["--rand", "--rand.iterations=60", "--seed=7", "-L=2", "--rand.min-distance=150"],
}


def main(rsu):
    home = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages/sumo"))
    os.environ["SUMO_HOME"] = str(home)
    sites = conflicts = pairs = 0
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        for name, how in NETS.items():
            net = folder / f"{name}.net.xml"
            quiet(home / "bin/netgenerate", *how, "--tls.guess", "--tls.guess.threshold=5",
                  "--no-turnarounds.tls", "-o", net)
            drive = folder / f"{name}.xodr"
            quiet(home / "bin/netconvert", "-s", net, "--opendrive-output", drive)
            out = folder / name
            junctions = import_all(rsu, net, out)
            sites += junctions
            for site in sorted(out.glob("*.toml")):
                conflicts += checked(rsu, site)
                pairs += green_together(rsu, net, site)
            if name in ("grid", "spider"):
                compared = stop_lines(rsu, net, drive, folder)
                print(f"{name}: {compared} lanes end alike in .net.xml and .xodr")
            print(f"{name}: {junctions} junctions")
    assert sites >= 20 and conflicts >= 50 and pairs >= 50, (sites, conflicts, pairs)
    print(f"{sites} sites; {conflicts} pairs in conflict; none of {pairs} pairs that a program shows G together")


def quiet(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def import_all(rsu, net, out):
    done = run(rsu, "map", "import", net, "--origin", ORIGIN, "--synthetic", "--all", "--out", out)
    assert done.returncode == 0, f"{net.name}: exit {done.returncode}\n{done.stderr}"
    return len(list(out.glob("*.toml")))


def checked(rsu, site):
    done = run(rsu, "map", "check", site)
    assert done.returncode == 0 and done.stdout.endswith("ok\n"), f"{site}\n{done.stdout}{done.stderr}"
    return int(re.search(r"(\d+) pairs in conflict", done.stdout)[1])


def green_together(rsu, net, site):
    """Pairs of phases with G in the same state of the net's program; none may conflict."""
    text = site.read_text(encoding="utf-8")
    # "# phase 65 (east straight) is A0:0 A0:1"
    lamps = {}
    for phase, links in re.findall(r"^# phase (\d+) \(.*?\) is (.*)$", text, re.M):
        lamps[int(phase)] = [lamp.rsplit(":", 1) for lamp in links.split()]
    light = next(iter(lamps.values()))[0][0]
    states = [phase.get("state") for logic in xml.parse(net).getroot().iter("tlLogic")
              if logic.get("id") == light for phase in logic.iter("phase")]
    # The matrix as the unit has it, from a file in which all pairs are listed.
    conflicts = listed(rsu, site)
    pairs = set()
    for state in states:
        shown = [phase for phase, links in lamps.items() if all(state[int(link)] == "G" for _, link in links)]
        pairs |= {(a, b) for a in shown for b in shown if a < b}
    wrong = pairs & conflicts
    assert not wrong, f"{site}: {sorted(wrong)} conflict but are G together"
    return len(pairs)


def listed(rsu, site):
    """The pairs in conflict: those that are told as unlisted where one made-up pair is listed alone."""
    text = site.read_text(encoding="utf-8")
    bare = site.with_suffix(".bare")
    bare.write_text(text.replace("[site]\n", "[site]\nconflicts-from-paths = false\n", 1), encoding="utf-8")
    told = run(rsu, "map", "check", bare).stderr
    bare.unlink()
    found = re.findall(r"paths of phases (\d+) and (\d+) cross", told)
    return {(int(a), int(b)) for a, b in found}


def stop_lines(rsu, net, drive, folder):
    """Lanes of vehicles of the first junction, by where they end."""
    def ends(model, node):
        site = folder / "one.toml"
        options = ["--origin", ORIGIN] if "geoReference" not in model.read_text(encoding="utf-8") else []
        if model.suffix == ".xml":
            options = ["--origin", ORIGIN]
        done = run(rsu, "map", "import", model, *options, "--node", node, "--out", site)
        assert done.returncode in (0, 78), done.stderr
        drawn = json.loads(run(rsu, "map", "export", site).stdout)
        lanes = [f for f in drawn["features"] if f["properties"]["kind"] == "lane"
                 and f["properties"]["use"] == "vehicle" and f["properties"]["downstream"] == drawn["node"]]
        return [lane["geometry"]["coordinates"][-1] for lane in lanes]

    def junctions(model):
        options = ["--origin", ORIGIN]
        told = run(rsu, "map", "import", model, *options).stderr
        return re.findall(r"^  (\S+) \(\d+ approaches, signals\)", told, re.M)

    # Ids differ between the two; places do not.
    first = junctions(net)[0]
    ours = ends(net, first)
    for other in junctions(drive):
        theirs = ends(drive, other)
        near = [min(dist_m(a, b) for b in theirs) for a in ours]
        if len(theirs) == len(ours) and max(near) < 0.5:
            return len(ours)
    raise AssertionError(f"{net.name}: no junction of {drive.name} is {first}")


def dist_m(a, b):
    return ((a[0] - b[0]) ** 2 * 95_200 ** 2 + (a[1] - b[1]) ** 2 * 110_860 ** 2) ** 0.5


if __name__ == "__main__":
    main(sys.argv[1])
