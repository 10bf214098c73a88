"""Our codec against two that others wrote, live: fresh random values of every kind of message.

  cross_check.py --v2x PROGRAM [--values N] [--seed S] [--ours FILE] [--frames FILE]

Both tools encode each value and must agree; `v2x decode` must give the value back, `v2x encode`
the octets; and both tools must decode what ours made. --ours has values of our own generator, one
JER line each; --frames has frames as hex lines (DSMP headers allowed), such as a daemon sent: all
three must read the same, and both tools must encode it to the same octets.
"""

import argparse
import glob
import json
import os
import random
import subprocess
import sys
from collections import Counter

from schema import KINDS, Schema, Values, texts
from tools import ERRORS, Asn1tools, Pycrate

ASN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../v2x-msg/asn")


def main():
    arguments = parse()
    older = f"{ASN}/edition-2019-07-24/Edition2019.asn"
    check = Check(arguments.v2x, texts(sorted(glob.glob(f"{ASN}/*.asn")), older))
    print(f"seed {arguments.seed}")
    for edition, share in [("2020", 0.8), ("2019", 0.2)]:
        check.random_values(edition, arguments.seed, round(arguments.values * share))
    if arguments.ours:
        with open(arguments.ours, encoding="utf-8") as file:
            check.values("2020", "of our generator", [(json.loads(line), True) for line in file])
    for path in arguments.frames:
        check.frames(path)
    for line in check.wrong[:10]:
        print(line[:2000], file=sys.stderr)
    total = sum(check.count.values())
    print(f"{total} checked, {len(check.wrong)} disagreements")
    sys.exit(1 if check.wrong or total == 0 else 0)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--v2x", required=True)
    parser.add_argument("--values", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--ours")
    parser.add_argument("--frames", action="append", default=[])
    return parser.parse_args()


class Check:
    """The three codecs, and what has been found."""

    def __init__(self, v2x, modules):
        self.v2x = v2x
        self.schema = Schema(modules)
        self.asn1tools = Asn1tools(self.schema, modules)
        self.pycrate = Pycrate(self.schema, modules)
        self.wrong = []
        self.count = Counter()

    def random_values(self, edition, seed, count):
        """Fresh values of all kinds by turns."""
        values = Values(self.schema, random.Random(f"{seed} {edition}"))
        kinds = KINDS[edition]
        drawn = [values.frame(edition, kinds[index % len(kinds)]) for index in range(count)]
        self.values(edition, "drawn here", drawn)

    def values(self, edition, origin, values):
        """(value, whether asn1tools cannot write it or may not be able to): all three agree."""
        theirs = []
        for jer, doubtful in values:
            octets = self.attempt("pycrate encodes", jer, self.pycrate.encode, edition, jer)
            if octets and not (doubtful and beyond_root(jer)):
                other = self.attempt("asn1tools encodes", jer, self.asn1tools.encode, edition, jer)
                self.same("asn1tools and pycrate encode", jer, other, octets)
            theirs.append(octets)
        decoded = self.ours("decode", edition, [octets.hex() for octets in theirs if octets])
        encoded = self.ours("encode", edition, [json.dumps(jer) for jer, _ in values])
        sizes = []
        costly = 0
        for (jer, doubtful), octets, line in zip(values, theirs, encoded, strict=True):
            self.same("v2x encode", jer, line, octets.hex() if octets else None)
            text = decoded.pop(0) if octets else None
            if text and "too much memory" in text:
                costly += 1
            elif text is not None:
                self.same("v2x decode", jer, parsed(text), jer)
            self.both_read(edition, jer, line, doubtful)
            sizes.append(len(octets or b""))
        self.count[edition] += len(values)
        print(f"{len(values)} values {origin}, edition {edition}: {min(sizes)} to {max(sizes)} "
              f"octets, {sum(sizes)} in all; {costly} of them refused by ours as too costly")
        if costly * 50 > len(values):
            self.wrong.append(f"{costly} of {len(values)} refused as too costly")

    def both_read(self, edition, jer, line, doubtful):
        """Our octets, read by the others."""
        try:
            octets = bytes.fromhex(line)
        except ValueError:
            return
        tools = [("pycrate", self.pycrate)]
        if not (doubtful and beyond_root(jer)):
            tools.append(("asn1tools", self.asn1tools))
        for name, tool in tools:
            read = self.attempt(f"{name} decodes ours", jer, tool.decode, edition, octets)
            self.same(f"{name} decodes ours", jer, read, jer)

    def frames(self, path):
        """Whole frames that were made by ours: the others read the same and write the same."""
        with open(path, encoding="utf-8") as file:
            lines = [line.split("#")[0].strip().replace(" ", "") for line in file]
        frames = [line for line in lines if line]
        for text, frame in zip(self.ours("decode", "2020", frames), frames, strict=True):
            jer, octets = parsed(text), message(bytes.fromhex(frame))
            for name, tool in [("pycrate", self.pycrate), ("asn1tools", self.asn1tools)]:
                read = self.attempt(f"{name} decodes a frame", frame, tool.decode, "2020", octets)
                self.same(f"{name} and v2x decode", frame, read, jer)
                again = self.attempt(f"{name} encodes a frame", frame, tool.encode, "2020", read)
                self.same(f"{name} encodes again", frame, again, octets)
        self.count["frames"] += len(frames)
        print(f"{len(frames)} frames of {os.path.basename(path)}")

    def ours(self, command, edition, lines):
        """A line of answer for each line; what was refused is answered with the reason."""
        if not lines:
            return []
        arguments = [self.v2x, command, "--edition", edition]
        done = subprocess.run(arguments, input="\n".join(lines) + "\n", text=True,
                              capture_output=True, check=False)
        if done.returncode not in (0, 65):
            raise SystemExit(f"{arguments}: exit code {done.returncode}: {done.stderr}")
        bad = {}
        for line in done.stderr.splitlines():
            place, _, reason = line.partition(": ")
            if place.startswith("line "):
                bad[int(place.removeprefix("line "))] = reason
        good = iter(done.stdout.splitlines())
        return [bad[number] if number in bad else next(good)
                for number in range(1, len(lines) + 1)]

    def attempt(self, what, subject, call, *arguments):
        try:
            return call(*arguments)
        except ERRORS as error:
            self.wrong.append(f"{what}: {error!r}: {subject}")
            return None

    def same(self, what, subject, found, expected):
        if found != expected:
            self.wrong.append(f"{what}: {found!r} instead of {expected!r}: {json.dumps(subject)}")


def beyond_root(jer):
    """Whether a BIT STRING is longer than its root."""
    if isinstance(jer, dict):
        return set(jer) == {"value", "length"} or any(map(beyond_root, jer.values()))
    return isinstance(jer, list) and any(map(beyond_root, jer))


def parsed(text):
    """The JSON, or the text itself where it is a reason."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def message(frame):
    """What is behind a DSMP header, if there is one (04 00, p-encoded AID, length)."""
    if frame[:2] != b"\x04\x00":
        return frame
    header = 5 if frame[2] < 0x80 else 6
    return frame[header:]


if __name__ == "__main__":
    main()
