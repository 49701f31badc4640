#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what write_formats printed with Python's json, and finds every byte again."""

import base64
import json
import subprocess
import sys
import unicodedata
import unittest

TURNS_WRITING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
LINES = []


def no_constant(text):
    raise ValueError(text + " is no JSON")


def no_repeats(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice: %s" % keys)
    return dict(pairs)


def load(line):
    return json.loads(line.decode("utf-8"), parse_constant=no_constant,
                      object_pairs_hook=no_repeats)


def is_utf8(data):
    try:
        data.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def exact(holder, key):
    """The bytes that stand under a key, which has a twin in base64 only where it needs one."""
    twin = holder.get(key + "_b64")
    if twin is None:
        return holder[key].encode("utf-8")
    data = base64.b64decode(twin, validate=True)
    assert not is_utf8(data), "base64 of a string that needs none"
    assert "\ufffd" in holder[key]
    return data


class Formats(unittest.TestCase):
    def events(self):
        self.assertEqual(len(LINES) % 4, 0)
        self.assertGreater(len(LINES), 4 * 100 * 20)
        for i in range(0, len(LINES), 4):
            fields = [field.split(b"=") for field in LINES[i].split()]
            yield ([(name.decode(), bytes.fromhex(value.decode())) for name, value in fields],
                   LINES[i + 1], LINES[i + 2], LINES[i + 3])

    def test_json(self):
        for wanted, line, _, _ in self.events():
            event = load(line)
            for key in ("comm", "path", "path2"):
                self.assertEqual([exact(event, key)] if key in event else [],
                                 [data for name, data in wanted if name == key])
            labels = event.get("labels", [])
            twins = event.get("labels_b64", [None] * len(labels))
            self.assertEqual([exact({"x": text, "x_b64": twin}, "x")
                              for text, twin in zip(labels, twins)],
                             [data for name, data in wanted if name == "label"])
            self.assertEqual([exact(pair, key) for pair in event.get("attributes", [])
                              for key in ("name", "value")],
                             [data for name, data in wanted if name in ("name", "value")])
            self.assertEqual(len(event["id"]), 32)
            self.assertEqual(int(event["id"][:8], 16), event["node"])
            self.assertEqual(int(event["id"][16:], 16), event["seq"])
            self.assertEqual("error" in event, event["result"] < 0)

    def test_ocsf(self):
        for wanted, plain, line, _ in self.events():
            event, other = load(line), load(plain)
            extra = event["unmapped"]
            self.assertEqual((event["class_uid"], event["category_uid"]), (1001, 1))
            self.assertEqual(event["type_uid"], 100100 + event["activity_id"])
            self.assertEqual(event["metadata"]["uid"], other["id"])
            self.assertEqual(event["time"], other["start_ns"] // 1000000)
            self.assertEqual(event["status_id"], 2 if other["result"] < 0 else 1)
            self.assertEqual(event.get("status_code"), other.get("error"))
            process = event["actor"]["process"]
            self.assertEqual(process["pid"], other["pid"])
            self.assertEqual(process["user"]["uid"], str(other["uid"]))
            for key in ("gap", "graph", "vector", "labels", "labels_b64", "attributes", "offset",
                        "size", "mode", "flags", "path_b64", "path2_b64", "comm_b64"):
                self.assertEqual(extra.get(key), other.get(key))
            self.assertEqual(event["file"]["path"], other.get("path", ""))
            self.assertEqual(event["file"]["name"], other.get("path", "").rsplit("/", 1)[-1])
            if other["type"] in ("rename", "link") and "path2" in other:
                self.assertEqual(event["file_result"]["path"], other["path2"])
            else:
                self.assertEqual(extra.get("path2"), other.get("path2"))
                self.assertNotIn("file_result", event)

    def test_text(self):
        for _, plain, _, line in self.events():
            text, event = line.decode("utf-8"), load(plain)
            self.assertFalse([c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp") or
                              unicodedata.bidirectional(c) in TURNS_WRITING], text)
            if event["type"] == "gap":
                self.assertIn("*** GAP ***", text)
                continue
            self.assertIn(" %s " % event["type"], text)
            self.assertIn(" uid=%d " % event["uid"], text)
            self.assertIn(" %s " % event.get("error", "OK"), text)


if __name__ == "__main__":
    LINES = subprocess.run([sys.argv.pop(1)], stdout=subprocess.PIPE,
                           check=True).stdout.split(b"\n")[:-1]
    unittest.main()
