#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs one module of tests here.

    run.py MODULE CONTROL VEXCTL FAKE [DATAPLANE PRODUCER]
"""
import sys
import unittest

from support import Programs

if __name__ == '__main__':
    module, Programs.control, Programs.vexctl, Programs.fake, *more = sys.argv[1:]
    if more:
        Programs.dataplane, Programs.producer = more
    unittest.main(module=module, argv=[sys.argv[0]], verbosity=2)
