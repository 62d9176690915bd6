#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions that the express lane's kernels take, counted by callgrind: the same on a busy machine as on a
quiet one.

  express-kernels.py PROGRAM             counts every case, beside what express-kernels.txt has on record; ends with 1 if
                                         one takes over 3 % more
  express-kernels.py PROGRAM --record    writes express-kernels.txt

PROGRAM: bench-express-kernels of a release build (ninja -C build bench/bench-express-kernels). Other compilers
count a few per cent apart; the record is of gcc 12 on Debian 12. callgrind knows AVX2 ("best"), not AVX-512. libvips
works in threads of its own and is not counted.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

RECORD = pathlib.Path(__file__).resolve().parent / "express-kernels.txt"
GROWTH = 1.03


def count(program, case, way):
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=measured", "--callgrind-out-file=/dev/null", program, case,
         way],
        capture_output=True, text=True, check=True, env=os.environ | {"VIPS_NOVECTOR": "1"})
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def recorded():
    if not RECORD.exists():
        return {}
    rows = (line.split() for line in RECORD.read_text().splitlines() if line and not line.startswith("#"))
    return {(case, way): int(n) for case, way, n in rows}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, known, found, worse = sys.argv[1], recorded(), {}, False
    listed = subprocess.run([program, "list"], capture_output=True, text=True, check=True).stdout.splitlines()
    cases = [(case, way) for case, way in (line.split() for line in listed) if way != "vips"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda one: count(program, *one), cases)
        for (case, way), n in zip(cases, counts):
            found[case, way] = n
            before = known.get((case, way))
            worse |= before is not None and n > before * GROWTH
            print(f"{case:20} {way:6} {n:12,} {'' if before is None else f'{before:12,} {n / before:7.3f}'}", flush=True)
    if "--record" in sys.argv[2:]:
        rows = [f"{case} {way} {n}" for (case, way), n in found.items()]
        RECORD.write_text("# case, way, instructions (express-kernels.py --record)\n" + "\n".join(rows) + "\n")
    elif worse:
        sys.exit("some cases take more instructions than recorded")


if __name__ == "__main__":
    main()
