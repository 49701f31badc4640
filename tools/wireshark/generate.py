#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the Wireshark dissector: its template, with tables derived from lib/abi in its middle.

    generate.py EVENT.DEF ATTR.DEF RECORD.H TEMPLATE OUTPUT
"""
import errno
import re
import sys

SIZES = {'uint64_t': 8, 'uint32_t': 4, 'int32_t': 4, 'uint16_t': 2, 'uint8_t': 1}


def macros(path, name):
    """The arguments of each line NAME(...) of an X-macro table, as strings."""
    pattern = re.compile(rf'^{name}\((.*)\)\s*$', re.M)
    with open(path, encoding='utf-8') as file:
        lines = pattern.findall(file.read())
    found = [[part.strip().strip('"') for part in re.split(r',\s*(?=(?:[^"]*"[^"]*")*[^"]*$)', line)]
             for line in lines]
    if not found:
        sys.exit(f'{path}: no {name}() found')
    return found


def enum(header, name, prefix):
    """The names of an enum that counts from 0, without prefix and the _COUNT at its end."""
    body = re.search(rf'enum {name} {{(.*?)}};', header, re.S)
    if not body:
        sys.exit(f'enum {name} was not found')
    text = re.sub(r'/\*.*?\*/', '', body.group(1), flags=re.S)
    names = [word.strip() for word in text.split(',') if word.strip()]
    if any('=' in word or not word.startswith(prefix) for word in names):
        sys.exit(f'enum {name} does not simply count from 0: {names}')
    return [word[len(prefix):].lower() for word in names if not word.endswith('_COUNT')]


def struct(header, name):
    """The members of a struct without holes, as (name, bytes)."""
    body = re.search(rf'struct {name} {{(.*?)\n}};', header, re.S)
    if not body:
        return None
    text = re.sub(r'/\*.*?\*/', '', body.group(1), flags=re.S)
    members = [line.split() for line in text.split(';') if line.strip()]
    return [(member, SIZES[kind]) for kind, member in members]


def lua_list(names):
    return '{' + ', '.join(f'[{i}] = "{name}"' for i, name in enumerate(names)) + '}'


def attr_line(number, _, text, least, most, repeat, header):
    members = struct(header, f'vex_attr_{text}') or []
    if members and sum(size for _, size in members) != int(most):
        sys.exit(f'struct vex_attr_{text} is not of the {most} bytes that attr.def says')
    shape = ', '.join(f'{{"{member}", {size}}}' for member, size in members)
    often = 'math.huge' if repeat == '1' else '1'
    return (f'\t[{number}] = {{name = "{text}", min = {least}, max = {most}, most = {often}, '
            f'members = {{{shape}}}}},')


def tables(event_def, attr_def, record_h):
    with open(record_h, encoding='utf-8') as file:
        header = file.read()
    out = ['local TYPES = {']
    out += [f'\t[{row[0]}] = "{row[2]}",' for row in macros(event_def, 'VEX_EVENT')]
    out += ['}', 'local ATTRS = {']
    out += [attr_line(*row[:6], header) for row in macros(attr_def, 'VEX_ATTR')]
    out += ['}', 'local BOUNDARIES = ' + lua_list(enum(header, 'vex_boundary', 'VEX_BOUNDARY_')),
            'local REASONS = ' + lua_list(enum(header, 'vex_gap_reason', 'VEX_GAP_')),
            'local ERRORS = {']
    out += [f'\t[{number}] = "{name}",' for number, name in sorted(errno.errorcode.items())]
    return '\n'.join(out + ['}'])


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    event_def, attr_def, record_h, template, output = sys.argv[1:]
    with open(template, encoding='utf-8') as file:
        text = file.read()
    if text.count('--@TABLES@') != 1:
        sys.exit(f'{template}: there is no single line --@TABLES@')
    with open(output, 'w', encoding='utf-8') as file:
        file.write(text.replace('--@TABLES@', tables(event_def, attr_def, record_h)))


if __name__ == '__main__':
    main()
