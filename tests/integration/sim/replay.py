# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Replays exchanges that were recorded on a real CloudStack against the simulator, and compares each reply.
#
# A script is replayed against a simulator of its own, in the world of seed.json. Ids are symbols ($v): the recording
# names an id when a reply gives it, and the replay learns the simulator's id at the same place. What no two servers
# have in common (dates, random ids, row numbers, names of the laboratory) is made equal on both sides.
import base64
import datetime
import gzip
import hashlib
import hmac
import http.client
import json
import re
import subprocess
import tempfile
import time
import urllib.parse
import uuid

# The keys of who calls. The simulator has the root admin from the start, the others are in the world of each script.
CALLERS = {
    "admin": ("mK7-demoKey_0123456789abcdefABCDEF", "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop"),
    "user": ("replay-user-key", "replay-user-secret"),
    "other": ("replay-other-key", "replay-other-secret"),
    "domainadmin": ("replay-domainadmin-key", "replay-domainadmin-secret"),
}
# The recorder's times of day.
EXPIRES = re.compile(r"2026-11-2[78]([T ])\d\d:\d\d(:\d\d)?")
SYMBOL = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Keys whose value is the caller's account or the server's own.
OWN = {"account", "accountid", "domainid", "domain", "domainpath", "userid", "username", "managementserverid",
       "managementservername"}
# Keys whose value is what the laboratory called it.
NAMED = {"storage", "clustername", "podname"}
NAMELESS = "ffffffff-ffff-4fff-8fff-ffffffffffff"
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

    def api(self, params, who="user", method="GET", fault=()):
        query = sign(params, *CALLERS[who], fault)
        if method == "GET":
            return self.request("GET", "/client/api?" + query)
        return self.request(method, "/client/api", query, {"Content-Type": "application/x-www-form-urlencoded"})


def sign(params, key, secret, fault=()):
    """The query of a signed request; params: pairs. A fault is what is wrong with it: {"signature": "bad"}."""
    fault = dict(fault)
    pairs = list(params) + [("apikey", key)]
    if all(k != "response" for k, _ in params):
        pairs.insert(0, ("response", fault.get("response", "json")))
    if fault.get("key") == "none":
        pairs.pop()
    elif "key" in fault:
        pairs[-1] = ("apikey", fault["key"])
    texts = sorted((k, urllib.parse.quote(v, safe=".-*_")) for k, v in pairs)
    text = "&".join(f"{k}={v.replace('%7E', '~').replace('~', '%7E')}" for k, v in texts).lower()
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    signature = base64.b64encode(mac[::-1] if fault.get("signature") == "bad" else mac).decode()
    if fault.get("signature") != "none":
        pairs.append(("signature", "" if fault.get("signature") == "empty" else signature))
    return "&".join(f"{urllib.parse.quote(k, safe='[].')}={urllib.parse.quote(v, safe='')}" for k, v in pairs)


class Symbols:
    """Which id of the simulator a symbol of the recording stands for."""

    def __init__(self, known, literal=()):
        """literal: what a symbol is as long as nothing is bound to it."""
        self.ids = {**dict(literal), **known}
        self.names = {v: k for k, v in known.items()}

    def bind(self, name, value):
        self.ids[name] = value
        self.names[value] = name

    def unknown(self, text):
        """The symbols in the text that nothing was bound to."""
        return [name for name in SYMBOL.findall(text) if name not in self.ids]

    def expand(self, text):
        """"$v,$w" and the like, as it is sent. The recorder sent what it did not know as it is, and so do we."""
        return SYMBOL.sub(lambda m: self.ids.get(m.group(1), m.group(0)), text)

    def learn(self, recorded, ours):
        """Binds the symbols of the recorded reply to what ours has at the same places."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key, value in recorded.items():
                if key in ours:
                    self.learn(value, ours[key])
        elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
            for a, b in zip(self.by_name(recorded), self.by_name(ours)):
                self.learn(a, b)
        elif isinstance(recorded, str) and isinstance(ours, str) and re.fullmatch(r"\$\w+", recorded):
            name = recorded[1:]
            if UUID.fullmatch(ours) and ours not in self.names:
                self.bind(name, ours)


    def by_name(self, rows):
        """Rows of both sides in an order in which the same ones are at the same place."""
        def place(row):
            if not isinstance(row, dict):
                return ("", "", "")
            text = str(row.get("id", ""))
            known = "$" + self.names[text] if text in self.names else text if text[1:] in self.ids else ""
            return (known, str(row.get("name", "")), str(row.get("zonename", "")))
        return sorted(rows, key=place)


# Numbers of rows in texts, and names that a number is part of.
NUMBERS = [
    (re.compile(r'(\\*"(?:id|instanceId|volumeId)\\*":) ?\d+'), r"\1N"),
    (re.compile(r'(\\*"id\\*": )\\*"\d+\\*"'), r"\1N"),
    (re.compile(r"\b10\.1\.1\.(?!1$)\d+\b"), "10.1.1.N"),
    (re.compile(r"i-\d+-\d+-VM"), "i-N-N-VM"),
    (re.compile(r"\bid [\[]?\d+[\]]?"), "id N"),
    (re.compile(r"\bid=\d+"), "id=N"),
    (re.compile(r"(ID: |VolumeId: )\d+"), r"\1N"),
    (re.compile(r"\b(ROOT|DATA)-\d+"), r"\1-N"),
    (re.compile(r"please retry after \[\d+\]"), "please retry after [N]"),
    (re.compile(r"_20\d{12}\b"), "_<stamp>"),
    (re.compile(r"in Domain Id = \d+"), "in Domain Id = N"),
    (re.compile(r"(Account Name = )\S+"), r"\1<own>"),
    (re.compile(r'(\\*"accountName\\*":\\*")[^"\\]+'), r"\1<own>"),
    (re.compile(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "<mac>"),
    (re.compile(r"\bvlan://\d+"), "vlan://N"),
    (re.compile(r"\bPS[01](-z\d)?\b"), "<pool>"),
]


def plain_text(text, symbols=None):
    def name(m):
        return "$" + symbols.names[m.group(0)] if symbols and m.group(0) in symbols.names else "<uuid>"

    text = UUID.sub(name, text)
    for pattern, to in NUMBERS:
        text = pattern.sub(to, text)
    return text


def place(row):
    """Where a row is sorted: rows of two replies are to be compared with their like."""
    if not isinstance(row, dict):
        return [json.dumps(row)]
    keys = ("id", "name", "zonename", "resourceid", "key")
    return [str(row.get(k, "")) for k in keys] + [json.dumps(row, sort_keys=True)]


def plain(value, symbols=None, key=None):
    """The value without what differs between any two servers."""
    if isinstance(value, dict):
        return {k: plain(v, symbols, k) for k, v in value.items()}
    if isinstance(value, list):
        return sorted((plain(v, symbols) for v in value), key=place)
    if isinstance(value, str):
        if key in OWN:
            return "<own>"
        if key in NAMED:
            return "<name>"
        if key == "networkname" and value.endswith("-network"):
            return "<own>-network"
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


def expires(value, minutes=8):
    """A recorded `expires` that had not passed, as one of today."""
    m = EXPIRES.match(value)
    if not m:
        return value
    if "+0200" in value:
        minutes += 120
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return at.strftime(f"%Y-%m-%d{m.group(1)}%H:%M" + (":%S" if m.group(2) else "")) + value[m.end():]


def read(path):
    """The objects of a file of JSON lines, compressed or not."""
    with gzip.open(path, "rt") if path.endswith(".gz") else open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def scripts(path):
    """The scripts of a file, each with its exchanges in order."""
    result = {}
    for e in read(path):
        result.setdefault(e["script"], []).append(e)
    return result


def dicts(value):
    """Each object in the value, however deep."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from dicts(v)


def lab_names(exchanges):
    """What the laboratory's machines were called: symbol -> name."""
    names = {}
    for e in exchanges:
        for row in dicts(e["reply"]):
            for key, name in (("id", "name"), ("virtualmachineid", "vmname"), ("networkid", "networkname")):
                if name in row and str(row.get(key, "")).startswith("$"):
                    names.setdefault(row[key][1:], row[name])
    return names


def first_state(exchanges, vm):
    """The state in which the script found the VM: shown in a reply, or seen in what is asked of it first."""
    for e in exchanges:
        if e["step"] == "startVirtualMachine" and ["id", "$" + vm] in e["params"]:
            return "Stopped"
        if e["step"] in ("stopVirtualMachine", "destroyVirtualMachine") and ["id", "$" + vm] in e["params"]:
            return "Running"
        for row in dicts(e["reply"]):
            if row.get("virtualmachineid") == "$" + vm and "vmstate" in row:
                return row["vmstate"]
            if row.get("id") == "$" + vm and "instancename" in row or row.get("id") == "$" + vm and "nic" in row:
                return row["state"]
    return None


def vms_of(exchanges):
    """The symbols that stand for VMs in requests and replies; $xroot is a volume of $x."""
    rows = [row for e in exchanges for row in dicts(e["reply"])]
    texts = [str(row.get("virtualmachineid")) for row in rows] + [str(row["id"]) for row in rows if "haenable" in row]
    for e in exchanges:
        params = e["params"] or []
        vm = re.search("VirtualMachines?$", str(e["step"])) or ["resourcetype", "UserVm"] in params
        texts += [v for k, v in params if k == "virtualmachineid" or vm and k in ("id", "ids", "resourceids")]
    names = {name for text in texts for name in SYMBOL.findall(text)}
    return names | set(re.findall(r"\$(\w+)root\b", json.dumps(exchanges)))


def world_for(world, exchanges):
    """The world in which a script begins: the VMs have the names and states that the laboratory's had, and a VM that
    only this script knows is there, too."""
    world = json.loads(json.dumps(world))
    seed, symbols = world["seed"], world["symbols"]
    used = vms_of(exchanges)
    named = lab_names(exchanges)
    world["literal"] = add_accounts(seed)
    for vm in sorted(used - set(symbols)):
        if re.fullmatch(r"a\d|ovm", vm):  # others are deployed by the script
            copy_vm(seed, symbols, symbols["a"], vm)
    if "ovm" in symbols:
        give_to_other(seed, symbols)
    ids = {v: k for k, v in symbols.items()}
    for row in seed["vms"] + seed["networks"]:
        name = named.get(ids.get(row["id"]))
        if name:
            row["name"] = name
            if "displayname" in row:
                row["displayname"] = name
    for row in seed["vms"]:
        state = first_state(exchanges, ids[row["id"]])
        if state in ("Running", "Stopped"):
            row["state"] = state
    return world


def drop_unseen(world, exchanges):
    """An account of the recording had no VMs but those that its script meets: its lists without filters show it."""
    ids = {world["symbols"][name] for name in vms_of(exchanges) if name in world["symbols"]}
    seed = world["seed"]
    seed["vms"] = [row for row in seed["vms"] if row["id"] in ids]
    seed["volumes"] = [row for row in seed["volumes"] if row.get("virtualmachineid") in ids | {None}]


def alone(seed):
    """The seed, without the VMs that every simulator has from the start: they are the root admin's."""
    def gone(digits):
        return [{"id": f"{n * 8}-{n * 4}-4{n * 3}-8{n * 3}-{n * 12}", "removed": True} for n in digits]

    return {**seed, "vms": seed["vms"] + gone("124"), "volumes": seed["volumes"] + gone("356")}


def derive(text):
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def add_accounts(seed):
    """The callers, in the domain of the network's owner; what the seed has is the user's. Returns their symbols."""
    network = seed["networks"][0]
    symbols = {"domain": network["domainid"]}
    accounts = [{"id": derive("mk"), "name": "mk", "domainid": network["domainid"], "type": "user"}]
    for who, (key, secret) in CALLERS.items():
        if who != "admin":
            symbols["account_" + who] = derive(who)
            accounts.append({"id": derive(who), "name": network["account"] if who == "user" else who,
                             "domainid": network["domainid"], "apikey": key, "secretkey": secret,
                             "type": "domain-admin" if who == "domainadmin" else "user"})
    for row in seed["vms"] + seed["volumes"]:
        row["account"] = derive("user")
    rest = dict(seed)
    seed.clear()
    seed.update(domains=[{"id": network["domainid"], "name": network["domain"]}], accounts=accounts, **rest)
    return symbols


def give_to_other(seed, symbols):
    """$ovm and $onet are another account's."""
    for row in seed["vms"] + seed["volumes"]:
        if symbols["ovm"] in (row["id"], row.get("virtualmachineid")):
            row["account"] = derive("other")
    symbols["onet"] = derive("network")
    seed["networks"].append({**seed["networks"][0], "id": derive("network"), "name": "other", "account": "other"})


def copy_vm(seed, symbols, model, name):
    """One more VM like the model, with a root volume of its own."""
    symbols[name], symbols[name + "root"] = derive(name), derive(name + "root")
    for row in [r for r in seed["vms"] if r["id"] == model]:
        seed["vms"].append({**row, "id": symbols[name], "name": name})
    for row in [r for r in seed["volumes"] if r["virtualmachineid"] == model]:
        seed["volumes"].append({**row, "id": symbols[name + "root"], "virtualmachineid": symbols[name]})


def parse(text):
    """The reply as an object. A name with a backslash makes CloudStack's JSON invalid, which has to be the same on both
    sides; what else it says is compared all the same."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        valid = re.sub(r"\\(.)", lambda m: m.group(0) if m.group(1) in '"\\/bfnrtu' else "\\" + m.group(0), text)
        return {"(invalid JSON)": json.loads(valid)}
    except ValueError:
        return text


def compare(e, reply, symbols, view=lambda body: body):
    """Yields (path, recorded, ours) for each difference between the recorded reply and ours. `view` gives what of a
    body is compared."""
    status, headers, text = reply
    recorded, ours = parse(e["reply"]), parse(text)
    symbols.learn(recorded, ours)
    if status != e["status"]:
        yield "status", e["status"], status
    if "type" in e and headers.get("Content-Type", "") != e["type"]:
        yield "type", e["type"], headers.get("Content-Type")
    description = (headers.get("X-Description") or "").encode("latin-1", "replace").decode("utf-8", "replace")
    a, b = plain_text(e.get("description") or ""), plain_text(description)
    if a != b:
        yield "description", a, b
    yield from differences(view(plain(recorded)), view(plain(ours, symbols)))


def request_of(line):
    """A request as it is written in the tables: "attachVolume id=$v virtualmachineid=$a"."""
    command, *params = re.split(r" (?=[\w\[\].-]+=)", line)
    return {"step": command, "params": [p.split("=", 1) for p in params], "reply": None}


class Replay:
    """One script against one simulator."""

    def __init__(self, simulator, world, exchanges, view=lambda body: body):
        self.sim = simulator
        self.view = view
        self.symbols = Symbols(world["symbols"], world.get("literal", ()))
        self.exchanges = exchanges
        self.used = set(SYMBOL.findall(json.dumps(exchanges)))
        self.jobs = {}  # command -> ids of jobs that were started, oldest first

    def run(self):
        """Yields (exchange, its differences)."""
        for i, e in enumerate(self.exchanges):
            self.before(i)
            yield e, self.run_one(e)

    def before(self, i):
        """What happened in the laboratory before the i-th exchange, as its reply and that of its job show."""
        self.set_limits(self.exchanges[i], self.exchanges[i + 1:])
        if "cpuused" in json.dumps([e["reply"] for e in self.exchanges[i:i + 2]]):
            self.collect()

    def find_root(self, name):
        """$xroot is the root volume of the VM $x: the recorder had looked it up."""
        vm = self.symbols.ids.get(name.removesuffix("root"))
        if name.endswith("root") and vm:
            _, _, text = self.sim.api([("command", "listVolumes"), ("virtualmachineid", vm), ("type", "ROOT")])
            for row in json.loads(text)["listvolumesresponse"].get("volume", []):
                self.symbols.bind(name, row["id"])

    def collect(self):
        """The collector of VMs' figures comes by."""
        self.sim.admin("set", {"stats-ms": 1})
        while any(vm["state"] == "Running" and "cpuused" not in vm
                  for vm in self.sim.admin("state?kinds=vms")["vms"].values()):
            time.sleep(0.005)
        self.sim.admin("set", {"stats-ms": 0})

    def set_limits(self, e, following):
        """The recorder's root admin had set limits of the account between two requests: the refusal tells them."""
        replies = [e["reply"]] + [x["reply"] for x in following[:1] if x["params"] == e["params"]]
        m = re.search(r"Type = '(\w+)', tag = .* Resource Limit = (?:\([^)]*\) )?(-?\d+), ", json.dumps(replies))
        if m:
            limits = {"user_vm": -1, "volume": -1, "snapshot": -1, "primary_storage": -1, m.group(1): int(m.group(2))}
            self.sim.admin("poke", {"account": self.symbols.ids["account_user"], "limits": limits})

    def send(self, e):
        for _, value in e["params"]:
            for name in self.symbols.unknown(value):
                self.find_root(name)
        reply = self.sim.api([(k, self.symbols.expand(v)) for k, v in e["params"]], e.get("who", "user"),
                             e.get("method", "GET"), e.get("fault", ()))
        for job in re.findall(r'"jobid":"([^"]+)"}}$', reply[2]):
            self.jobs.setdefault(e["step"], []).append(job)
        if e["step"] == "createVolume" and reply[0] == 200 and not dict(e["params"]).get("name"):
            # its name is random, and a filter with wildcards may find it
            self.sim.admin("poke", {"volume": json.loads(reply[2])["createvolumeresponse"]["id"], "name": NAMELESS})
        return reply

    def job_result(self, e):
        """The result of the oldest job of that command that nobody asked for, once it has ended."""
        waiting = self.jobs.get(e["step"].split(":")[1])
        who = e.get("who", "user")
        if "job" in e:
            job = self.symbols.expand(e["job"])
        elif waiting:
            job = waiting.pop(0)
        else:
            return None
        return self.end_of(job, who)

    def end_of(self, job, who="user"):
        """The reply to queryAsyncJobResult when the job has ended."""
        end = time.monotonic() + 60
        pause = 0.001
        while True:
            reply = self.sim.api([("command", "queryAsyncJobResult"), ("jobid", job)], who)
            body = parse(reply[2])
            body = body.get("(invalid JSON)", body)
            answer = next(iter(body.values()))
            if time.monotonic() > end or answer.get("jobstatus") != 0:
                return reply
            time.sleep(pause)
            pause = min(2 * pause, 0.02)

    def prepare(self, line):
        """What has to be there and is not compared: "v = other: createVolume name=x" binds $v,
        "j = begin attachVolume id=$v": the job goes on; "end job=$j": it has ended; "set queue-ms=0". It must
        succeed."""
        symbol, _, line = line.partition(" = ") if re.match(r"\w+ = ", line) else ("", "", line)
        who, _, line = line.partition(": ") if re.match(r"\w+: ", line) else ("user", "", line)
        begin = line.startswith("begin ")
        e = request_of(line.removeprefix("begin "))
        if e["step"] == "set":
            self.sim.admin("set", dict(e["params"]))
            return
        if e["step"] == "end":
            self.end_of(self.symbols.expand(dict(e["params"])["job"]), who)
            return
        for name in self.symbols.unknown(line):
            self.find_root(name)
        pairs = [("command", e["step"])] + [(k, self.symbols.expand(v)) for k, v in e["params"]]
        reply = self.sim.api(pairs, who)
        answer = next(iter(parse(reply[2]).values()))
        value = answer.get("jobid") if begin else answer.get("id")
        if symbol and value:
            self.symbols.ids[symbol] = value
            if symbol in self.used:
                self.symbols.bind(symbol, value)
        if "jobid" in answer and not begin:
            reply = self.end_of(answer["jobid"], who)
        if reply[0] != 200 or '"jobstatus":2' in reply[2]:
            raise RuntimeError(f"{line}: {reply[2]}")

    def other_page(self, e, text):
        """The exchange with the rows that are on our page: CloudStack promises no order, and the recorder met these
        rows on other pages, or in a list of all."""
        (root, recorded), (_, ours) = next(iter(e["reply"].items())), next(iter(parse(text).items()))
        key = next((k for k, v in recorded.items() if isinstance(v, list) and isinstance(ours.get(k), list)), None)
        if not key or len(recorded[key]) != len(ours[key]):
            return e
        i = self.exchanges.index(e)
        near = [x["reply"] for x in self.exchanges[max(0, i - 20):i + 20] if x["step"] == e["step"]]
        met = {row["id"]: row for row in dicts(near + [e["reply"]]) if "id" in row and "name" in row}
        ids = ["$" + self.symbols.names.get(row.get("id"), "") for row in ours[key]]
        if any(i not in met for i in ids):
            return e
        return {**e, "reply": {root: {**recorded, key: [met[i] for i in ids]}}}

    def run_one(self, e):
        """Returns a list of (path, recorded, ours)."""
        job = (e["step"] or "").startswith("job:")
        reply = self.job_result(e) if job else self.send(e)
        if reply is None:
            return [("no job", e["step"], None)]
        if "pagesize" in dict(e["params"] or []) and isinstance(e["reply"], dict) and e in self.exchanges:
            e = self.other_page(e, reply[2])
        return list(compare(e, reply, self.symbols, self.view))
