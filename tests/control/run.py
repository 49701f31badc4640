#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs one module of tests here.

    run.py MODULE control=PATH vexctl=PATH ...
"""
import sys
import unittest

from support import Programs

if __name__ == '__main__':
    for argument in sys.argv[2:]:
        setattr(Programs, *argument.split('=', 1))
    module = sys.argv[1]
    unittest.main(module=module, argv=[sys.argv[0]], verbosity=2)
