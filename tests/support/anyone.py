# SPDX-License-Identifier: BSD-3-Clause
"""Programs for users who may not reach the folder that they were built in, such as one of root's."""
import glob
import os
import shutil


def reach(folder, program, *more):
    """Copies a program, libvex and further files into a folder that anyone may enter.

    Returns the program's copy, and the environment in which it finds the others.
    """
    place = os.path.join(folder, 'anyone')
    os.makedirs(place, exist_ok=True)
    build = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    if not os.path.isdir(os.path.join(build, 'lib')):
        build = os.path.dirname(build)
    libraries = glob.glob(os.path.join(build, 'lib', 'vex', 'libvex.so*'))
    for path in [program, *[name for name in libraries if os.path.isfile(name)], *more]:
        shutil.copy(path, place)
    for name in ('.', *os.listdir(place)):
        os.chmod(os.path.join(place, name), 0o755)
    os.chmod(folder, os.stat(folder).st_mode | 0o011)
    return (os.path.join(place, os.path.basename(program)),
            dict(os.environ, LD_LIBRARY_PATH=place, PYTHONPATH=place))
