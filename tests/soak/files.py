#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Works on files in a folder until its input ends, and leaves it empty.

    files.py FOLDER SEED

Prints how many rounds it made. What it reads must be what it wrote.
"""
import os
import random
import select
import shutil
import sys
import time

PAUSE_S = 0.02


def ordered_to_end():
    ready, _, _ = select.select([sys.stdin], [], [], PAUSE_S)
    return bool(ready)


def one_round(folder, rng):
    """A small tree comes, changes and goes."""
    top = os.path.join(folder, f'tree-{rng.randrange(1000)}-{time.monotonic_ns()}')
    os.mkdir(top)
    for i in range(rng.randint(1, 8)):
        path = os.path.join(top, f'file-{i}')
        data = rng.randbytes(rng.randint(0, 20000))
        with open(path, 'wb') as file:
            file.write(data)
        os.rename(path, path + '.new')
        os.chmod(path + '.new', 0o600)
        os.link(path + '.new', path + '.link')
        os.symlink(path, path + '.sym')
        with open(path + '.link', 'rb') as file:
            if file.read() != data:
                raise AssertionError(f'{path}.link: not what was written')
        os.truncate(path + '.new', 0)
    if len(os.listdir(top)) % 3:
        raise AssertionError(f'{top}: three names a file were made')
    shutil.rmtree(top)


def main():
    folder, rng = sys.argv[1], random.Random(int(sys.argv[2]))
    rounds = 0
    while not ordered_to_end():
        one_round(folder, rng)
        rounds += 1
    if os.listdir(folder):
        raise AssertionError(f'{folder} is not empty')
    print(rounds)


if __name__ == '__main__':
    main()
