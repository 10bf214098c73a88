"""Our reading of ARS408 frames against that of cantools, both ways; see `run`."""

import argparse
import json
import math
import random
import re
import subprocess
import sys
from pathlib import Path

import cantools

HERE = Path(__file__).parent
# Standard deviations on the wire are classes; their bounds as the radar's tables have them.
LARGEST, RATIO = 10.0, (10.0 / 0.005) ** (1 / 30)
LARGEST_DEG, RATIO_DEG = 180.0, (180.0 / 0.005) ** (1 / 30)
LOG = re.compile(r"\) \w+ ([0-9A-F]{3})#([0-9A-F]*)")


def main():
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--signals", required=True, help="the program ars408_signals")
    asked.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    asked.add_argument("--count", type=int, default=5000)
    asked.add_argument("logs", nargs="*", help="candump logs beside what is drawn")
    args = asked.parse_args()
    print(f"seed {args.seed}")
    known = cantools.database.load_file(HERE / "ars408.dbc", strict=True)
    said = [message for message in known.messages if message.senders == ["Radar"]]
    dice = random.Random(args.seed)
    frames = [drawn(dice, dice.choice(said)) for _ in range(args.count)]
    for log in args.logs:
        found = LOG.findall(Path(log).read_text(encoding="ascii"))
        frames += [(int(name, 16), bytes.fromhex(data)) for name, data in found]
    lines = "".join(f"{name:03X}#{data.hex().upper()}\n" for name, data in frames)
    answers = subprocess.run([args.signals], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in answers.stdout.splitlines()]
    assert len(answers) == len(frames), (len(answers), len(frames))
    by_id = {message.frame_id: message for message in said}
    compared, none = 0, 0
    for (name, data), ours in zip(frames, answers):
        message = by_id.get(name & ~0x70)
        if message is None:
            assert ours is None, (hex(name), ours)
            none += 1
            continue
        compare(known, message, name, data, ours)
        compared += 1
    print(f"{compared} frames read alike and written alike, {none} of other messages passed over")
    return 0


def drawn(dice, message):
    """A frame of any bits, of any of eight sensors."""
    return message.frame_id + 0x10 * dice.randrange(8), dice.randbytes(message.length)


def compare(known, message, name, data, ours):
    where = f"{name:03X}#{data.hex().upper()}"
    assert ours and ours["message"] == message.name, (where, ours)
    theirs = message.decode(data, decode_choices=False)
    assert theirs.keys() == ours["signals"].keys(), where
    for signal, value in theirs.items():
        value = bound(signal, value)
        mine = ours["signals"][signal]
        same = mine is None if value is None else mine is not None and math.isclose(mine, value, rel_tol=1e-9, abs_tol=1e-9)
        assert same, (where, signal, value, mine)
    # What we would send for the same signals is what cantools makes of them, and both read alike.
    written = message.encode(theirs, padding=False)
    assert written.hex().upper() == ours["sent"], (where, written.hex(), ours["sent"])
    told = {identifier - 0x10 * (name >> 4 & 0xF): bytes.fromhex(text) for identifier, text in ours["standstill"]}
    assert known.decode_message("SpeedInformation", told[0x300]) == {"SpeedDirection": 0, "Speed": 0}
    assert abs(known.decode_message("YawRateInformation", told[0x301])["YawRate"]) < 1e-9


def bound(signal, value):
    if not signal.endswith("_rms"):
        return value
    if value == 31:
        return None
    largest, ratio = (LARGEST_DEG, RATIO_DEG) if signal == "Orientation_rms" else (LARGEST, RATIO)
    return largest * ratio ** (value - 30)


if __name__ == "__main__":
    sys.exit(main())
