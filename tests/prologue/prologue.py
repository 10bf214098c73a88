"""Functions of an x86-64 program that go on with r11 as it was before the probe of their stack."""

import re
import subprocess
import sys

WRITES = re.compile(r",%r11[dwb]?$")
READS_ONLY = ("cmp", "test", "bt ")
# What follows the loop writes r11 anew without looking at it.
FRESH = re.compile(r"(?:mov\w*|lea|pop) (?:(?!.*%r11.*,%r11).*,)?%r11[dwb]?$|xor %r11d,%r11d$")


def instructions(program):
    """Name of each function with its instructions that name r11."""
    listing = subprocess.Popen(
        ["objdump", "-d", "--no-show-raw-insn", program], stdout=subprocess.PIPE, text=True
    )
    name, body = None, []
    for line in listing.stdout:
        begins = re.match(r"[0-9a-f]+ <(.*)>:", line)
        if begins:
            if name:
                yield name, body
            name, body = begins.group(1), []
        elif "%r11" in line:
            body.append(re.sub(r"\s+", " ", line.split("\t")[-1].split("#")[0]).strip())
    if name:
        yield name, body
    if listing.wait():
        sys.exit(f"objdump cannot read {program}")


def probe(body):
    """Where the loop begins; None without one."""
    for at, (first, second) in enumerate(zip(body, body[1:])):
        if first == "mov %rsp,%r11" and re.match(r"sub \$0x[0-9a-f]+,%r11$", second):
            return at
    return None


def loses(body, at):
    """What was in r11 before the loop and what takes it for that afterwards; None if nothing does."""
    before = [i for i in body[:at] if WRITES.search(i) and not i.startswith(READS_ONLY)]
    after = [i for i in body[at + 2 :] if not i.startswith("cmp %r11,%rsp")]
    if before and after and not FRESH.match(after[0]):
        return before[-1], after[0]
    return None


def main(programs):
    # The rule itself: the code that was seen, and code that is sound.
    loop = ["mov %rsp,%r11", "sub $0x9000,%r11", "cmp %r11,%rsp"]
    seen = ["mov 0x7a0(%rdi),%r11", *loop, "mov 0x98(%r11),%rbp"]
    again = ["mov (%rdi),%r11", *loop, "mov 0x8(%r11),%r11"]
    assert loses(seen, probe(seen)) and loses(again, probe(again))
    for sound in (loop, ["mov (%rdi),%r11", *loop, "mov 0x8(%rsp,%rcx,8),%r11"], [*loop, "mov 0x98(%r11),%rbp"]):
        assert not loses(sound, probe(sound))
    any_lost = False
    for program in programs:
        loops = found = 0
        for name, body in instructions(program):
            at = probe(body)
            if at is None:
                continue
            loops += 1
            lost = loses(body, at)
            if lost:
                found += 1
                print(f"{name}: {lost[0]} is lost before {lost[1]}")
        if not loops:
            sys.exit(f"{program}: no frame of many pages at all, which cannot be")
        print(f"{program}: {loops} functions with frames of many pages, {found} that lose a register")
        any_lost |= found > 0
    return any_lost


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
