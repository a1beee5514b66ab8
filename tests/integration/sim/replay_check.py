# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Which differences are allowed, and whether the replay finds wrong replies at all.
import json
import re

import replay


class Exceptions:
    """The table of replay-exceptions.json. A row excuses a difference whose step, path and texts match all its
    patterns; none can name a script or a number. A row that excuses nothing has to go."""

    MOST = 40
    KEYS = {"name", "reason", "step", "path", "request", "recorded", "ours"}

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.rows = json.load(f)
        self.uses = {row["name"]: 0 for row in self.rows}
        if len(self.rows) > self.MOST or len(self.uses) != len(self.rows):
            raise ValueError(f"{path}: more than {self.MOST} exceptions, or two of one name")
        for row in self.rows:
            if set(row) - self.KEYS or not row["reason"] or not row["path"] or not row["step"]:
                raise ValueError(f"{path}: {row['name']}: needs reason, step and path, and no other keys")

    @staticmethod
    def fits(row, e, difference):
        path, recorded, ours = difference
        texts = {"step": str(e["step"]), "path": path, "recorded": text_of(recorded), "ours": text_of(ours),
                 "request": "&".join(f"{k}={v}" for k, v in e["params"] or [])}
        return all(re.search(row[key], text) for key, text in texts.items() if key in row)

    def excuse(self, e, difference):
        for row in self.rows:
            if self.fits(row, e, difference):
                self.uses[row["name"]] += 1
                return True
        return False

    def used(self):
        return sum(1 for count in self.uses.values() if count)

    def unused(self):
        return [name for name, count in self.uses.items() if not count]


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def body_of(reply):
    return reply if isinstance(reply, str) else json.dumps(reply)


def change(value, what):
    """The value with the first place changed for which `what` has another one, or None."""
    if isinstance(value, dict):
        for key, v in value.items():
            other = what(key, v)
            if other is not None:
                rest = {k: x for k, x in value.items() if k != key}
                return rest if other == "" else {**rest, key: other}
            inner = change(v, what)
            if inner is not None:
                return {**value, key: inner}
    elif isinstance(value, list):
        for i, v in enumerate(value):
            inner = change(v, what)
            if inner is not None:
                return value[:i] + [inner] + value[i + 1:]
    return None


def planted(what):
    def plant(e):
        reply = change(e["reply"], what)
        return None if reply is None else (e["status"], reply)
    return plant


# Wrong replies: each makes of a recorded exchange another status and body, or nothing where it does not apply; "" takes
# a key away.
PLANTED = {
    "another text": planted(lambda k, v: v + "." if k == "errortext" else None),
    "another code": planted(lambda k, v: v + 1 if k == "errorcode" else None),
    "a missing key": planted(lambda k, v: "" if k in ("zonename", "jobprocstatus") else None),
    "a number as a string": planted(lambda k, v: str(v) if k in ("size", "jobstatus", "cserrorcode") else None),
    "a boolean as a number": planted(lambda k, v: int(v) if isinstance(v, bool) else None),
    "a wrong count": planted(lambda k, v: v + 1 if k == "count" else None),
    "a missing row": planted(lambda k, v: v[1:] if isinstance(v, list) and len(v) > 1 else None),
    "another state": planted(lambda k, v: "Broken" if k == "state" else None),
    "another VM": planted(lambda k, v: "$zzz" if k == "virtualmachineid" else None),
    "another status": lambda e: (e["status"] + 1, e["reply"]),
}


# What a script that compares shapes only cannot see.
VALUES = {"a wrong count", "a missing row", "another state", "another VM"}


def found(name, scripts, exceptions, step=11):
    """True if the plant is found in each exchange of a sample to which it applies, and no exception excuses it; the
    recorded reply itself must be equal."""
    tried = 0
    for script, e in [(s, e) for s in scripts for e in s.exchanges][::step]:
        wrong = PLANTED[name](e)
        lists = [v for row in replay.dicts(replay.parse(e["reply"])) for v in row.values() if isinstance(v, list)]
        many = any(len(v) > 1 for v in lists)
        if wrong is None or not script.exact and (many or name in VALUES):
            continue
        tried += 1
        headers = {"Content-Type": e.get("type", ""),
                   "X-Description": (e.get("description") or "").encode().decode("latin-1")}
        symbols = replay.Symbols({})
        same = list(replay.compare(e, (e["status"], headers, body_of(e["reply"])), symbols, script.view))
        differences = list(replay.compare(e, (wrong[0], headers, body_of(wrong[1])), symbols, script.view))
        excused = [d for d in differences if any(exceptions.fits(row, e, d) for row in exceptions.rows)]
        if same or not differences or len(excused) == len(differences):
            print(f"# {e['script']} {e['n']}: {same} {differences} {excused}")
            return False
    return tried > 0
