# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Replays exchanges that were recorded on a real CloudStack against the simulator, and compares each reply.
#
# A script is replayed against a simulator of its own, in the world of seed.json. Ids are symbols ($v): the recording
# names an id when a reply gives it, and the replay learns the simulator's id at the same place. What no two servers
# have in common (dates, random ids, row numbers, names of the laboratory) is made equal on both sides.
import base64
import gzip
import hashlib
import hmac
import http.client
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.parse

API_KEY = "mK7-demoKey_0123456789abcdefABCDEF"
SECRET = "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Keys whose value is the caller's account or the server's own.
OWN = {"account", "accountid", "domainid", "domain", "domainpath", "userid", "username", "managementserverid",
       "managementservername"}
DATES = {"created", "completed", "attached", "lastupdated", "removed", "date"}


class Simulator:
    """One running simulator, and one connection to it."""

    def __init__(self, program, settings=(), seed=None):
        args = [program]
        for key, value in settings:
            args += ["--set", f"{key}={value}"]
        if seed:
            self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
            json.dump(seed, self.file)
            self.file.flush()
            args += ["--seed", self.file.name]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().split()
        if not line or line[0] != "ready":
            raise RuntimeError(f"the simulator does not start: {line}")
        self.url = urllib.parse.urlparse(line[1])
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def request(self, method, target, body=None, headers=None):
        """Returns (status, headers, text)."""
        for attempt in (1, 2):
            if not self.connection:
                self.connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
            try:
                self.connection.request(method, target, body, headers or {})
                reply = self.connection.getresponse()
                text = reply.read()
            except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
                self.connection.close()
                self.connection = None
                if attempt == 2:
                    raise
                continue
            if reply.will_close:
                self.connection.close()
                self.connection = None
            return reply.status, reply.headers, text.decode("utf-8", "surrogateescape")

    def admin(self, name, body=None):
        status, _, text = self.request("POST" if body is not None else "GET", f"/admin/{name}",
                                       None if body is None else json.dumps(body))
        answer = json.loads(text)
        if status != 200:
            raise RuntimeError(f"/admin/{name} {body}: {answer}")
        return answer

    def api(self, params, key=API_KEY, secret=SECRET):
        return self.request("GET", "/client/api?" + sign(params, key, secret))


def sign(params, key, secret):
    """The query of a signed request; params: pairs."""
    pairs = list(params) + [("response", "json"), ("apikey", key)]
    texts = sorted((k, urllib.parse.quote(v, safe=".-*_")) for k, v in pairs)
    text = "&".join(f"{k}={v.replace('%7E', '~').replace('~', '%7E')}" for k, v in texts).lower()
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    pairs.append(("signature", base64.b64encode(mac).decode()))
    return "&".join(f"{urllib.parse.quote(k, safe='[].')}={urllib.parse.quote(v, safe='')}" for k, v in pairs)


class Symbols:
    """Which id of the simulator a symbol of the recording stands for."""

    def __init__(self, known):
        self.ids = dict(known)
        self.names = {v: k for k, v in known.items()}

    def bind(self, name, value):
        self.ids[name] = value
        self.names[value] = name

    def expand(self, text):
        """"$v,$w" and the like, as it is sent."""
        return re.sub(r"\$([A-Za-z_][A-Za-z0-9_]*)", lambda m: self.ids.get(m.group(1), m.group(0)), text)

    def learn(self, recorded, ours):
        """Binds the symbols of the recorded reply to what ours has at the same places."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key, value in recorded.items():
                if key in ours:
                    self.learn(value, ours[key])
        elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
            for a, b in zip(by_name(recorded), by_name(ours)):
                self.learn(a, b)
        elif isinstance(recorded, str) and isinstance(ours, str) and re.fullmatch(r"\$\w+", recorded):
            name = recorded[1:]
            if UUID.fullmatch(ours) and ours not in self.names:
                self.bind(name, ours)


def by_name(rows):
    return sorted(rows, key=lambda r: (r.get("name", ""), r.get("zonename", "")) if isinstance(r, dict) else ("", ""))


# Numbers of rows in texts, and names that a number is part of.
NUMBERS = [
    (re.compile(r'(\\*"(?:id|instanceId|volumeId)\\*":)\d+'), r"\1N"),
    (re.compile(r"i-\d+-\d+-VM"), "i-N-N-VM"),
    (re.compile(r"\bid [\[]?\d+[\]]?"), "id N"),
    (re.compile(r"\bid=\d+"), "id=N"),
    (re.compile(r"(ID: |VolumeId: )\d+"), r"\1N"),
    (re.compile(r"\b(ROOT|DATA)-\d+"), r"\1-N"),
    (re.compile(r"please retry after \[\d+\]"), "please retry after [N]"),
    (re.compile(r"_20\d{12}\b"), "_<stamp>"),
    (re.compile(r"in Domain Id = \d+"), "in Domain Id = N"),
]


def plain_text(text, symbols=None):
    if symbols:
        text = UUID.sub(lambda m: "$" + symbols.names[m.group(0)] if m.group(0) in symbols.names else "<uuid>", text)
    for pattern, to in NUMBERS:
        text = pattern.sub(to, text)
    return text


def plain(value, symbols=None, key=None):
    """The value without what differs between any two servers."""
    if isinstance(value, dict):
        return {k: plain(v, symbols, k) for k, v in value.items()}
    if isinstance(value, list):
        rows = [plain(v, symbols) for v in value]
        return sorted(rows, key=lambda r: json.dumps(r, sort_keys=True))
    if isinstance(value, str):
        if key in OWN:
            return "<own>"
        if key in DATES and re.match(r"20\d\d-|<date>", value):
            return "<date>"
        return plain_text(value, symbols)
    return value


def differences(recorded, ours, path=""):
    """Yields (path, recorded, ours)."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for key in recorded.keys() | ours.keys():
            yield from differences(recorded.get(key, "(absent)"), ours.get(key, "(absent)"), f"{path}.{key}")
    elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        for a, b in zip(recorded, ours):
            yield from differences(a, b, path + "[]")
    elif recorded != ours or type(recorded) is not type(ours):
        yield path, recorded, ours


def read(path):
    with gzip.open(path, "rt") as f:
        return [json.loads(line) for line in f]


def scripts(path):
    """The scripts of a file, each with its exchanges in order."""
    result = {}
    for e in read(path):
        result.setdefault(e["script"], []).append(e)
    return result


def seed_for(world, exchanges):
    """The seed, with the names that the laboratory's VMs had in this script."""
    names = {}

    def look(value):
        if isinstance(value, dict):
            if isinstance(value.get("id"), str) and value["id"].startswith("$") and "name" in value:
                names.setdefault(value["id"][1:], value["name"])
            if "vmname" in value and value.get("virtualmachineid", "").startswith("$"):
                names.setdefault(value["virtualmachineid"][1:], value["vmname"])
            for v in value.values():
                look(v)
        elif isinstance(value, list):
            for v in value:
                look(v)

    for e in exchanges:
        look(e["reply"])
    seed = json.loads(json.dumps(world["seed"]))
    ids = {v: k for k, v in world["symbols"].items()}
    for kind in ("vms", "volumes", "networks"):
        for row in seed[kind]:
            name = names.get(ids.get(row["id"]))
            if name and kind != "volumes":
                row["name"] = name
                if "displayname" in row:
                    row["displayname"] = name
    return seed


class Replay:
    """One script against one simulator."""

    def __init__(self, simulator, world, exchanges):
        self.sim = simulator
        self.symbols = Symbols(world["symbols"])
        self.exchanges = exchanges
        self.jobs = {}  # command -> ids of jobs that were started, oldest first
        self.last_job = {}

    def send(self, e):
        params = [(k, self.symbols.expand(v)) for k, v in e["params"]]
        return self.sim.api(params)

    def job_result(self, e):
        command = e["step"].split(":")[1]
        waiting = self.jobs.get(command)
        if not waiting:
            return None
        job = waiting.pop(0)
        for _ in range(6000):
            status, headers, text = self.sim.api([("command", "queryAsyncJobResult"), ("jobid", job)])
            if '"jobstatus":0}' not in text and '"jobstatus":0,"jobresult' not in text:
                answer = json.loads(text)
                if answer.get("queryasyncjobresultresponse", {}).get("jobstatus") != 0:
                    break
            time.sleep(0.002)
        return status, headers, text

    def run_one(self, e):
        """Returns a list of (path, recorded, ours)."""
        job = e["step"] is not None and e["step"].startswith("job:")
        reply = self.job_result(e) if job else self.send(e)
        if reply is None:
            return [("no job", e["step"], None)]
        status, headers, text = reply
        try:
            ours = json.loads(text)
        except ValueError:
            ours = text
        if not job and isinstance(ours, dict):
            for v in ours.values():
                if isinstance(v, dict) and "jobid" in v and "jobstatus" not in v:
                    self.jobs.setdefault(e["step"], []).append(v["jobid"])
        self.symbols.learn(e["reply"], ours)
        result = []
        if status != e["status"]:
            result.append(("status", e["status"], status))
        theirs_type = e.get("type", "")
        if headers.get("Content-Type", "") != theirs_type:
            result.append(("type", theirs_type, headers.get("Content-Type")))
        description = headers.get("X-Description")
        if description:
            description = description.encode("latin-1", "replace").decode("utf-8", "replace")
        a = plain_text(e.get("description") or "")
        b = plain_text(UUID.sub("<uuid>", description or ""))
        a = UUID.sub("<uuid>", a)
        if a != b:
            result.append(("description", a, b))
        result += differences(plain(e["reply"]), plain(ours, self.symbols))
        return result
