# SPDX-License-Identifier: BSD-3-Clause
"""The data plane's handshake (lib/abi/handshake.h), spoken by hand, for whoever means ill."""
import array
import fcntl
import os
import socket
import struct

MAGIC, VERSION = 0x68786576, 1
(HELLO, WELCOME, LANE_ADD, LANE_ADDED, LANE_REMOVE, START, PORT_MOVE, PORT_DETACH,
 SUBSCRIBER_DETACH, DONE, REFUSED) = range(1, 12)
PRODUCER, SUBSCRIBER, CONTROL = 1, 2, 3
APP, KERNEL = 3, 1
SIZE, PAGE, RING = 256, 4096, 65536

F_ADD_SEALS = 1033
SEAL_SEAL, SEAL_SHRINK, SEAL_GROW, SEAL_WRITE, SEAL_FUTURE_WRITE = 1, 2, 4, 8, 16
RING_SEALS = SEAL_SEAL | SEAL_SHRINK | SEAL_GROW
PAGE_SEALS = RING_SEALS | SEAL_FUTURE_WRITE

# A record's header (lib/abi/record.h): size, lane_seq, id (4), start, duration, result, type,
# boundary, attr_count, pid, uid, gid.
RECORD = struct.Struct('<IIQIHHQIiHBBIII')
OPEN = 10


def message(kind, body=b'', magic=MAGIC, version=VERSION, request=7):
    return struct.pack('<IHHIi', magic, version, kind, request, 0) + body.ljust(240, b'\0')


def hello(role, boundary=APP, flags=0, ring_size=0, name=b'raw'):
    return message(HELLO, struct.pack('<IIII40xQ48s', role, flags, boundary, 0, ring_size, name))


def lane_add(ring_size=RING, position=0, seq=0, lane=0):
    return message(LANE_ADD, struct.pack('<IIQQQ', lane, 0, ring_size, position, seq))


def target(kind, number, worker=0):
    return message(kind, struct.pack('<II', number, worker))


def memfd(size, seals=RING_SEALS):
    fd = os.memfd_create('raw', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(fd, size)
    fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


def event(seq, end_ns=1):
    """A record as it stands in a lane: no attributes, a cache line long."""
    header = RECORD.pack(RECORD.size, seq, 0, 0, 0, 0, end_ns, 0, 0, OPEN, APP, 0, 1, 0, 0)
    return header.ljust(64, b'\0')


class Answer:
    """What the data plane said, and the file that it passed."""

    def __init__(self, data, fds):
        self.kind, self.request, self.error = struct.unpack_from('<HIi', data, 6)
        self.body = data[16:]
        self.fds = fds

    @property
    def reason(self):
        return self.body.split(b'\0')[0].decode()

    @property
    def number(self):
        return struct.unpack_from('<I', self.body)[0]

    def fd(self):
        """The one file passed; the caller closes it."""
        assert len(self.fds) == 1, self.fds
        return self.fds[0]


class Connection:
    """One connection; closed at the end of a with block."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.kept = []
        self.socket.connect(path)
        self.socket.settimeout(20)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()
        for fd in self.kept:
            os.close(fd)
        self.kept = []

    def send(self, data, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
        self.socket.sendmsg([data], rights)

    def receive(self):
        """The next answer; None where the data plane has hung up."""
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, SIZE, 4)
        except ConnectionResetError:
            return None
        self.kept += fds
        return Answer(data, fds) if data else None

    def ask(self, data, fds=()):
        try:
            self.send(data, fds)
        except (BrokenPipeError, ConnectionResetError):
            return None
        return self.receive()

    def say_hello(self, role, **more):
        """Attaches; a subscriber passes one end of a pair to be woken by."""
        if role != SUBSCRIBER:
            return self.ask(hello(role, **more))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.kept.append(ours.detach())
        with theirs:
            return self.ask(hello(role, **more), [theirs.fileno()])
