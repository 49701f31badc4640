#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares what tshark finds with the dissector to what was encoded, field by field.

    test_dissector.py DISSECTOR WRITE_SAMPLES WRITE_MUTANTS
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

MUTANTS = 4000
SKIPPED = 77
NAMED = {'vex.boundary': ['none', 'kernel', 'fuse', 'app', 'peer', 'replay'],
         'vex.gap.reason': ['lane_full', 'target_full', 'too_large', 'abandoned']}
TEXTS = ['comm', 'path', 'path2', 'name', 'value', 'label']


def tshark(dissector, capture, *options):
    done = subprocess.run(['tshark', '-X', f'lua_script:{dissector}', '-r', capture, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env={**os.environ, 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8'})
    complaints = done.stderr.decode(errors='replace')
    if done.returncode or 'lua' in complaints.lower():
        sys.exit(f'tshark on {capture}: {complaints}')
    return done.stdout.decode(errors='replace')


def fail(number, field, want, got):
    sys.exit(f'packet {number}: {field}: {want!r} was encoded, tshark found {got!r}')


def as_list(value):
    return value if isinstance(value, list) else [value]


def check_text(number, name, want, layer):
    """Where the bytes are printable UTF-8, the text must be the same."""
    got = as_list(layer[f'vex.{name}'])
    for exact, shown in zip(want, got):
        try:
            text = bytes.fromhex(exact).decode()
        except UnicodeDecodeError:
            continue
        if '\0' not in text and shown != text:
            fail(number, name, text, shown)
    if len(want) != len(got):
        fail(number, name, want, got)


def check_packet(number, want, layer):
    for field, values in want.items():
        got = as_list(layer.get(field, []))
        if field.endswith('.bytes'):
            got = [value.replace(':', '') for value in got]
            check_text(number, field.split('.')[1], values, layer)
        elif field != 'vex.type_name':
            got = [int(value, 0) for value in got]
        if got != values:
            fail(number, field, values, got)
    strange = [text for text in TEXTS if f'vex.{text}' in layer and f'vex.{text}.bytes' not in want]
    if strange:
        sys.exit(f'packet {number}: {strange} were never encoded')


def check_samples(dissector, writer, folder):
    capture, expected = f'{folder}/samples.pcap', f'{folder}/expected'
    subprocess.run([writer, '--largest', capture, expected], check=True)
    layers = [packet['_source']['layers']['vex']
              for packet in json.loads(tshark(dissector, capture, '-T', 'json',
                                              '--no-duplicate-keys'))]
    with open(expected, encoding='utf-8') as file:
        wanted = [json.loads(line) for line in file]
    if len(wanted) != len(layers) or not wanted:
        sys.exit(f'{len(wanted)} records, {len(layers)} packets')
    for number, (want, layer) in enumerate(zip(wanted, layers), 1):
        check_packet(number, want, layer)
    if tshark(dissector, capture, '-Y', 'vex.malformed || _ws.malformed'):
        sys.exit('good records are called malformed')
    print(f'{len(wanted)} records of {len({want["vex.type_name"][0] for want in wanted})} types')
    return wanted, capture


def check_names(dissector, wanted, capture):
    """Names of numbers, the start as a time, and the Info column."""
    out = tshark(dissector, capture, '-V', '-o', 'gui.column.format:"Info","%i"')
    for field, names in NAMED.items():
        label = {'vex.boundary': 'Boundary', 'vex.gap.reason': 'gap.reason'}[field]
        found = re.findall(rf'^    {label}: (\w+) \((\d+)\)$', out, re.M)
        want = [(names[packet[field][0]], str(packet[field][0])) for packet in wanted if field in packet]
        if found != want:
            sys.exit(f'{field}: names differ from those of record.h')
    times = tshark(dissector, capture, '-T', 'fields', '-e', 'vex.start').split('\n')
    epochs = tshark(dissector, capture, '-T', 'fields', '-e', 'frame.time').split('\n')
    squeezed = [' '.join(line.split()) for line in times], [' '.join(line.split()) for line in epochs]
    if squeezed[0] != squeezed[1]:
        sys.exit('vex.start differs from the time stamps of the packets')
    infos = tshark(dissector, capture, '-o', 'gui.column.format:"Info","%i"').split('\n')
    if len(infos) != len(wanted) + 1:
        sys.exit(f'{len(infos)} lines of Info for {len(wanted)} packets')
    for number, (want, info) in enumerate(zip(wanted, infos), 1):
        check_info(number, want, info.strip())


def check_info(number, want, info):
    kind, result = want['vex.type_name'][0], want['vex.result'][0]
    if kind == 'gap':
        start = f'gap: {want["vex.gap.count"][0]} events lost'
    else:
        start = kind + ' '
    if not info.startswith(start):
        fail(number, 'Info', start, info)
    try:
        paths = [bytes.fromhex(want[f'vex.{name}.bytes'][0]).decode() for name in ('path', 'path2')]
    except (KeyError, UnicodeDecodeError):
        return
    if kind != 'gap' and all(paths) and len(paths[0]) < 100:
        text = re.escape(f'{kind} {paths[0]} -> {paths[1]} ({result}')
        if not re.fullmatch(text + r'( E\w+)?\)', info):
            fail(number, 'Info', text, info)


def check_mutants(dissector, writer, folder):
    capture, verdicts = f'{folder}/mutants.pcap', f'{folder}/verdicts'
    subprocess.run([writer, str(MUTANTS), '1', capture, verdicts], check=True)
    with open(verdicts, encoding='utf-8') as file:
        bad = {number for number, line in enumerate(file, 1) if line == 'bad\n'}
    found = tshark(dissector, capture, '-Y', 'vex.malformed', '-T', 'fields', '-e', 'frame.number')
    found = {int(number) for number in found.split()}
    if found != bad:
        sys.exit(f'vex_record_check() and the dissector differ: packets {sorted(found ^ bad)[:10]}')
    if not 0 < len(bad) < MUTANTS:
        sys.exit(f'{len(bad)} of {MUTANTS} damaged records are bad: the test says nothing')
    out = tshark(dissector, capture, '-V')
    if 'Lua Error' in out or 'Dissector bug' in out:
        sys.exit('the dissector failed on a damaged record')
    print(f'{MUTANTS} damaged records, {len(bad)} of them malformed')


def main():
    dissector, samples, mutants = sys.argv[1:]
    if not shutil.which('tshark'):
        print('tshark is not installed. On Debian: apt-get install tshark')
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        wanted, capture = check_samples(dissector, samples, folder)
        check_names(dissector, wanted, capture)
        check_mutants(dissector, mutants, folder)


if __name__ == '__main__':
    main()
