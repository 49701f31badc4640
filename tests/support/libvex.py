# SPDX-License-Identifier: BSD-3-Clause
"""libvex through ctypes, as it stands: the structures of vex.h and event.h, and no glue."""
import ctypes
import os
from ctypes import (POINTER, Structure, byref, c_char_p, c_int, c_int32, c_size_t, c_uint8,
                    c_uint16, c_uint32, c_uint64, c_void_p)

from processes import preload_sanitizer

preload_sanitizer()

OPEN, RENAME, METRIC, GAP = 10, 16, 190, 1
HAS_TASK, HAS_TENANT, HAS_RANGE, HAS_PATH, HAS_PATH2 = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 5
DROP, WAIT = 0, 1
LANE_FULL = 0


class Bytes(Structure):
    _fields_ = [('data', c_char_p), ('len', c_size_t)]


class RawBytes(Structure):
    _fields_ = [('data', c_void_p), ('len', c_size_t)]

    def value(self):
        return ctypes.string_at(self.data, self.len) if self.len else b''


class Pair(Structure):
    _fields_ = [('name', RawBytes), ('value', RawBytes)]


class EventId(Structure):
    _fields_ = [('seq', c_uint64), ('node', c_uint32), ('port', c_uint16), ('lane', c_uint16)]


class GapAttr(Structure):
    _fields_ = [('first', c_uint64), ('last', c_uint64), ('count', c_uint64),
                ('reason', c_uint32), ('reserved', c_uint32)]


class RouteAttr(Structure):
    _fields_ = [('generation', c_uint64), ('rule', c_uint32), ('matched', c_uint16),
                ('qos', c_uint8), ('priority', c_uint8), ('fingerprint', c_uint64)]


class SuppressedAttr(Structure):
    _fields_ = [('count', c_uint64), ('first_ns', c_uint64), ('last_ns', c_uint64)]


class Event(Structure):
    _fields_ = [('has', c_uint32), ('type', c_uint16), ('boundary', c_uint8),
                ('reserved', c_uint8), ('id', EventId), ('start_ns', c_uint64),
                ('duration_ns', c_uint64), ('result', c_int32), ('pid', c_uint32),
                ('tid', c_uint32), ('ppid', c_uint32), ('uid', c_uint32), ('gid', c_uint32),
                ('tenant', c_uint32), ('mode', c_uint32), ('flags', c_uint32),
                ('dev', c_uint64), ('ino', c_uint64), ('parent_ino', c_uint64),
                ('parent2_ino', c_uint64), ('offset', c_uint64), ('size', c_uint64),
                ('comm', RawBytes), ('path', RawBytes), ('path2', RawBytes),
                ('graph', c_uint64 * 5), ('vector', c_uint64 * 4), ('gap', GapAttr),
                ('pair_count', c_uint32), ('label_count', c_uint32), ('pairs', POINTER(Pair)),
                ('labels', POINTER(RawBytes)), ('route', RouteAttr), ('suppressed', SuppressedAttr)]


class EventSpace(Structure):
    _fields_ = [('pairs', Pair * 32), ('labels', RawBytes * 16)]


class Filter(Structure):
    _fields_ = [('types', c_uint64 * 4), ('boundaries', c_uint32), ('reserved', c_uint32)]


class PortOptions(Structure):
    _fields_ = [('socket', c_char_p), ('name', c_char_p), ('boundary', c_uint32),
                ('flags', c_uint32), ('ring_size', c_uint64), ('full', c_uint32),
                ('wait_us', c_uint32), ('connect_ms', c_uint32), ('background', c_uint32),
                ('qos', c_uint32), ('close_ms', c_uint32)]


class PortStats(Structure):
    _fields_ = [('published', c_uint64), ('lost', c_uint64), ('waits', c_uint64),
                ('reconnects', c_uint64), ('connected', c_uint32), ('port', c_uint32)]


class SubscribeOptions(Structure):
    _fields_ = [('socket', c_char_p), ('name', c_char_p), ('filter', Filter),
                ('ring_size', c_uint64), ('connect_ms', c_uint32), ('background', c_uint32),
                ('boundary', c_uint32), ('reserved', c_uint32)]


class SubscriptionStats(Structure):
    _fields_ = [('received', c_uint64), ('gaps', c_uint64), ('lost', c_uint64),
                ('reconnects', c_uint64), ('connected', c_uint32), ('subscriber', c_uint32)]


lib = ctypes.CDLL(os.environ['LIBVEX'])
lib.vex_last_error.restype = c_char_p
lib.vex_port_open.argtypes = [POINTER(PortOptions), POINTER(c_void_p)]
lib.vex_lane_open.argtypes = [c_void_p, POINTER(c_void_p)]
lib.vex_lane_close.argtypes = [c_void_p]
lib.vex_port_close.argtypes = [c_void_p]
lib.vex_publish.argtypes = [c_void_p, POINTER(Event)]
lib.vex_port_get_stats.argtypes = [c_void_p, POINTER(PortStats)]
lib.vex_port_drained.argtypes = [c_void_p]
lib.vex_subscribe.argtypes = [POINTER(SubscribeOptions), POINTER(c_void_p)]
lib.vex_unsubscribe.argtypes = [c_void_p]
lib.vex_read.argtypes = [c_void_p, POINTER(c_void_p), c_uint32]
lib.vex_wait.argtypes = [c_void_p, c_int]
lib.vex_subscription_get_stats.argtypes = [c_void_p, POINTER(SubscriptionStats)]
lib.vex_event_decode.argtypes = [c_void_p, POINTER(Event), POINTER(EventSpace)]
lib.vex_event_decode.restype = None


class VexError(OSError):
    """What a function of libvex returned, with the sentence that it left."""


def check(result):
    if result < 0:
        raise VexError(-result, lib.vex_last_error().decode())
    return result


def make_event(kind, path, **fields):
    """An event and what its pointers point to, which must live as long."""
    event = Event(has=HAS_PATH, type=kind, **fields)
    event.path.data = ctypes.cast(ctypes.c_char_p(path), c_void_p)
    event.path.len = len(path)
    event.keep = path
    return event


class Port:
    def __init__(self, socket, **options):
        self.handle = c_void_p()
        check(lib.vex_port_open(byref(PortOptions(socket=socket.encode(), **options)),
                                byref(self.handle)))

    def lane(self):
        lane = c_void_p()
        check(lib.vex_lane_open(self.handle, byref(lane)))
        return lane

    def stats(self):
        stats = PortStats()
        lib.vex_port_get_stats(self.handle, byref(stats))
        return stats

    def drained(self):
        return bool(lib.vex_port_drained(self.handle))

    def close(self):
        """How many events its lanes still held, which are lost."""
        lost = lib.vex_port_close(self.handle)
        self.handle = c_void_p()
        return lost


def publish(lane, event):
    return lib.vex_publish(lane, byref(event))


class Subscription:
    def __init__(self, socket, types=(), **options):
        self.handle = c_void_p()
        wanted = SubscribeOptions(socket=socket.encode(), **options)
        for kind in types:
            wanted.filter.types[kind // 64] |= 1 << kind % 64
        check(lib.vex_subscribe(byref(wanted), byref(self.handle)))

    def read(self, count=64):
        """A list of (event, path, pairs), copied out; empty where there are none."""
        records = (c_void_p * count)()
        got = lib.vex_read(self.handle, records, count)
        return [self.decode(records[i]) for i in range(check(got))]

    @staticmethod
    def decode(record):
        event, space = Event(), EventSpace()
        lib.vex_event_decode(record, byref(event), byref(space))
        pairs = [(event.pairs[i].name.value(), event.pairs[i].value.value())
                 for i in range(event.pair_count)]
        return event, event.path.value(), pairs

    def wait(self, timeout_ms):
        return lib.vex_wait(self.handle, timeout_ms)

    def read_exactly(self, count, timeout_ms=20000):
        """So many events, waited for."""
        events = []
        while len(events) < count:
            more = self.read(count - len(events))
            events += more
            if not more and self.wait(timeout_ms) != 1:
                raise AssertionError(f'{len(events)} of {count} events came')
        return events

    def stats(self):
        stats = SubscriptionStats()
        lib.vex_subscription_get_stats(self.handle, byref(stats))
        return stats

    def close(self):
        lib.vex_unsubscribe(self.handle)
        self.handle = c_void_p()
