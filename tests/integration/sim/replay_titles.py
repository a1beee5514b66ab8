# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The titles of differences.jsonl: what a simulator of CloudStack once did differently. The steps of each have the
# laboratory's ids. They become a script like those of the other recordings, and what has to be there when it begins is
# made before, by PREPARATIONS.
import re

import replay
from replay_scripts import LONG, Failures, Restart, Race, Script

VM_COMMANDS = {"startVirtualMachine", "stopVirtualMachine", "destroyVirtualMachine", "listVirtualMachines"}


class Ids:
    """Names for the laboratory's ids, from where they are in requests and replies: a VM's name ends with the letter
    that says which it is; offerings and zones have names; the rest is counted: v1, vm1, snap1, job1, net1."""

    def __init__(self, steps):
        self.names = {}
        self.counts = {}
        rows = [row for step in steps for row in replay.dicts(replay.parse(step["body"]))]
        vms = {row["virtualmachineid"]: row["vmname"] for row in rows if "vmname" in row}
        vms.update({row["id"]: row["name"] for row in rows if "hypervisor" in row and "haenable" in row})
        for vm, name in vms.items():
            m = re.search(r"([abns])(\d?)$", name)
            if m:
                self.name("vm", vm, m.group(1) + (m.group(2) if len(vms) > 2 else ""))
        for row in rows:
            for key, name in (("templateid", "tpl"), ("serviceofferingid", "so"), ("networkid", "net")):
                self.name(key, row.get(key, ""), name)
            self.name("z", row.get("zoneid", ""), row.get("zonename"))
            self.name("offering", row.get("diskofferingid", ""), {"Custom": "custom", "Small": "small"}.get(
                row.get("diskofferingname")))
        for step in steps:
            self.ask(step["params"])
        for step in steps:
            for row in replay.dicts(step["body"]):
                if "jobstatus" not in row:
                    self.name("job", row.get("jobid", ""))

    def name(self, kind, value, name=None):
        if replay.UUID.fullmatch(value) and value not in self.names:
            if not name:
                self.counts[kind] = self.counts.get(kind, 0) + 1
                name = f"{kind}{self.counts[kind]}"
            self.names[value] = name

    def ask(self, params):
        command = params.get("command", "")
        fixed = {"serviceofferingid": "so", "templateid": "tpl", "networkids": "net"}
        kinds = [("jobid", "job"), ("virtualmachineid", "vm"), ("snapshotid", "snap"), ("volumeid", "v"),
                 ("volumeids", "v"), ("resourceid", "v"), ("resourceids", "v")]
        own = "vm" if command in VM_COMMANDS else "net" if "Network" in command else "v"
        if "Snapshot" in command:
            own = "snap"
        for key, value in params.items():
            if key == "diskofferingid":
                self.name("offering", value, "custom" if "size" in params or "Virtual" in command else "small")
            elif key == "zoneid":
                self.name("z", value, "z2" if "z1" in self.names.values() else "z1")
            else:
                for u in replay.UUID.findall(value):
                    self.name(dict(kinds + [("id", own), ("ids", own)]).get(key, "other"), u, fixed.get(key))

    def plain(self, value):
        if isinstance(value, dict):
            return {k: self.plain(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.plain(v) for v in value]
        if isinstance(value, str):
            return replay.UUID.sub(lambda m: "$" + self.names.get(m.group(0), "")
                                   if m.group(0) in self.names else m.group(0), value)
        return value


def as_exchanges(title, ids):
    """The steps of a title as exchanges."""
    commands = {}
    for n, step in enumerate(title["steps"], 1):
        params = [[k, replay.expires(v) if k == "expires" else v] for k, v in ids.plain(step["params"]).items()]
        e = {"script": title["title"], "n": n, "step": step["params"].get("command"), "params": params,
             "status": step["status"], "reply": ids.plain(step["body"]), "description": step.get("x-description")}
        job = ids.plain(step["params"].get("jobid", ""))
        if e["step"] == "queryAsyncJobResult" and job in commands:
            e.update(step="job:" + commands[job], job=job)
        for row in replay.dicts(e["reply"]):
            commands.setdefault(row.get("jobid", ""), e["step"])
        yield e


def fresh(symbol="v1", name="v1", size=1):
    return [f"{symbol} = createVolume name={name} diskofferingid=$custom zoneid=$z1 size={size}"]


def attached(symbol="v1", vm="a", *args, **kw):
    return fresh(symbol, *args, **kw) + [f"attachVolume id=${symbol} virtualmachineid=${vm}"]


def ready(symbol="v1", *args, **kw):
    return attached(symbol, "a", *args, **kw) + [f"detachVolume id=${symbol}"]


def tagged(*tags, volume="v1"):
    return [f"createTags resourceids=${volume} resourcetype=Volume " +
            " ".join(f"tags[{i}].key={k} tags[{i}].value={v}" for i, (k, v) in enumerate(tags))]


SNAPSHOT = attached(name="snapvol") + ["snap1 = createSnapshot volumeid=$v1 name=s1"]
MULTI = [line for i, tags in enumerate(([("class", "oma"), ("op", "1"), ("owner", "x")],
                                        [("class", "other"), ("op", "2"), ("owner", "x")],
                                        [("class", "oma"), ("op", "3"), ("owner", "y")]))
         for line in fresh(f"v{i}", f"m{i}") + tagged(*tags, volume=f"v{i}")]


# What belongs to another account, and how its ids are counted.
OTHERS = {"v1": "ov", "v3": "ou", "vm1": "ovm", "vm2": "a", "snap1": "os", "job5": "ojob", "net1": "onet"}
THINGS = ["ov = other: createVolume name=v diskofferingid=$custom zoneid=$z1 size=1",
          "ou = other: createVolume name=u diskofferingid=$custom zoneid=$z1 size=1",
          "ojob = other: begin attachVolume id=$ov virtualmachineid=$ovm",
          "other: end job=$ojob",
          "os = other: createSnapshot volumeid=$ov name=s",
          "other: createTags resourceids=$ov resourcetype=Volume tags[0].key=k tags[0].value=v"]


class Title(Script):
    """What a title's steps need: `before`, requests as they are written here; `names`, what a counted id is in the
    seed's world; `fails`, which command of the hypervisor fails at a step; `called`, the name of something in
    the seed's world."""

    def __init__(self, title, world, names=(), before=(), settings=(), fails=(), called=()):
        ids = Ids(title["steps"])
        ids.names = {value: dict(names).get(name, name) for value, name in ids.names.items()}
        exchanges = list(as_exchanges(title, ids))
        self.before = before
        self.settings = {**self.settings, **dict(settings)}
        for n, command in dict(fails).items():
            exchanges[n - 1]["note"] = command + " fails"
        super().__init__("title " + title["title"], exchanges, world)
        met = list(before) + [f"listVolumes virtualmachineid=${symbol}" for symbol in called]
        replay.drop_unseen(self.world, exchanges + [replay.request_of(line) for line in met])
        # What nobody makes is sent as it was.
        self.world["literal"].update({name: value for value, name in ids.names.items()})
        seed, symbols = self.world["seed"], self.world["symbols"]
        for row in seed["vms"] + seed["networks"]:
            name = next((n for symbol, n in dict(called).items() if symbols[symbol] == row["id"]), None)
            row.update({key: name for key in ("name", "displayname") if name and key in row})

    def play(self, r):
        for line in self.before:
            r.prepare(line)
        yield from super().play(r)


class FailingTitle(Title, Failures):
    pass


class RaceTitle(Title, Race):
    def __init__(self, title, world, **kw):
        super().__init__(title, world, **kw)
        for e in self.exchanges:
            if not re.match("job:|list|createVolume", e["step"]):
                e["note"] = "race"


class RestartTitle(Title, Restart):
    def __init__(self, title, world, **kw):
        super().__init__(title, world, **kw)
        for e in self.exchanges:
            e["note"] = "pending" if e["n"] <= 7 else "at once"


A = {"vm1": "a"}
# title -> (class, arguments)
PREPARATIONS = {
    "attach of a fresh volume to A, 1.2 s later to B: both jobs succeed, B has it": (RaceTitle, {}),
    "attach, 1.2 s later deleteVolume: deleted, the attach job fails":
        (RaceTitle, {"names": A, "before": ready(name="v7")}),
    "attach, 1.2 s later resizeVolume: resized, the attach job fails": (RaceTitle, {"names": A, "before": ready()}),
    "attach, 1.2 s later createSnapshot: snapshot made, the attach job fails":
        (RaceTitle, {"names": A, "before": ready(name="v2")}),
    "stop, 1.2 s later start: the start fails, the VM ends Stopped": (RaceTitle, {"before": fresh(name="v5")}),
    "start, 1.2 s later start: both succeed": (RaceTitle, {}),
    "attach, 1.2 s later attach to the same VM": (RaceTitle, {}),
    "stop, 1.2 s later attach: attached to the stopped VM": (RaceTitle, {"before": ready(name="v2")}),
    "expunged volume: every command": (Title, {"names": A, "before": ready() + ready("v2", "x")}),
    "deleteTags without a match fails": (Title, {"before": fresh()}),
    "deleteTags with another value fails": (Title, {"before": fresh() + tagged(("a", 1), ("b", 2))}),
    "deleteTags with an empty value: success, nothing deleted":
        (Title, {"before": fresh() + tagged(("a", 1), ("b", 2))}),
    "tag keys differ in case only": (Title, {"before": fresh()}),
    "tag keys differ in a blank at the end only": (Title, {"before": fresh() + tagged(("k", "v"))}),
    "tag keys differ in accents only": (Title, {"before": fresh()}),
    "one key twice in one request": (Title, {"before": fresh()}),
    "one volume twice in one request": (Title, {"before": fresh()}),
    "tag value beyond the BMP": (Title, {"before": fresh()}),
    "tag key of 256": (Title, {"before": fresh()}),
    "tag value of 256 is cut": (Title, {"before": fresh()}),
    "tag without a value": (Title, {"before": fresh()}),
    "volumes by a tag: case": (Title, {"before": MULTI}),
    "volumes by two tags: count is larger than the rows": (Title, {"before": MULTI}),
    "ids: nothing valid, a blank, an unknown one": (Title, {"names": {"v1": "aroot", "v2": "broot"}}),
    "paging, malformed":
        (Title, {"before": fresh(name="alpha", size=2) + fresh("v2", "Data_1", 5) + attached("v3", "a", "gamma") +
                 ["attachVolume id=$v1 virtualmachineid=$a"] + tagged(("K", "V")) + fresh("v4", "Delta") +
                 fresh("v5", "delta")}),
    "a name with \\u0041 in it makes the reply invalid JSON (body is the text)":
        (Title, {"before": ["createVolume diskofferingid=$custom zoneid=$z1 size=1 name=back\\slash \\u0041"]}),
    "attach with a refused device id leaves the volume Ready": (Title, {"names": A}),
    "fresh volume to a never started VM that has a made disk: made":
        (Title, {"before": ready(name="w", size=8) + fresh("v2", "y", 2)}),
    "destroyVirtualMachine with volumeids: Destroy, recoverable":
        (Title, {"before": attached("v1", "b", "d0") + tagged(("k", "v")) + attached("v2", "b", "d1")}),
    "destroyVirtualMachine with an Allocated volume in volumeids: refused": (Title, {"before": fresh(name="n0")}),
    "resizeVolume without a size": (Title, {"before": fresh(name="c_alloc", size=1024)}),
    "resizeVolume above custom.diskoffering.size.max": (Title, {"before": fresh(name="c_alloc", size=1024)}),
    "resizeVolume with an offering of another size: the offering stays":
        (Title, {"before": attached("w", "a", "other") + attached(name="w", size=2)}),
    "updateVolume as a user": (Title, {"before": fresh()}),
    "creation on storage fails; the volume can not be attached any more":
        (FailingTitle, {"names": {"vm1": "a", "vm2": "s"}, "fails": {3: "CreateObjectCommand"}}),
    "deletion on storage fails, as a user":
        (FailingTitle, {"names": A, "before": ready(name="v"),
                        "fails": {1: "DeleteCommand", 3: "DeleteCommand", 8: "DeleteCommand"}}),
    "start without capacity": (FailingTitle, {"fails": {1: "StartCommand"}}),
    "detach refused by the hypervisor": (FailingTitle, {"before": attached(name="v"), "fails": {1: "DettachCommand"}}),
    "snapshot fails":
        (FailingTitle, {"before": attached(name="v"), "fails": {1: "CreateObjectCommand", 6: "CopyCommand"}}),
    "deleteVolume while attaching, as a user": (Title, {"before": ready() + ["set job-ms=400"]}),
    "snapshot of a detached volume: the result says Allocated": (Title, {"before": ready(name="snapvol")}),
    "deployVirtualMachine refusals": (Title, {"called": {"a": "qvmsu68dcd1", "net": "l2qvmsu68dc"}}),
    "asyncbackup": (Title, {"before": attached(name="snapvol")}),
    "snapshot without a name": (Title, {"before": attached(name="snapvol"), "called": {"a": "qsnapshu01f7a"}}),
    "snapshots: keyword, id with ids": (Title, {"before": SNAPSHOT + ["snap2 = createSnapshot volumeid=$v1 name=s2"]}),
    "volume from a snapshot: snapshotid in the job only": (Title, {"before": SNAPSHOT}),
    "snapshot with an offering": (Title, {"before": SNAPSHOT}),
    "deleted snapshot": (Title, {"before": SNAPSHOT + ["detachVolume id=$v1"]}),
    "start of a VM without disks": (Title, {"names": {"vm1": "s"}, "before": ["detachVolume id=$sroot"]}),
    "stop and start of a destroyed VM": (Title, {"names": {"vm1": "s"}, "before": ["destroyVirtualMachine id=$s"]}),
    "things of another account": (Title, {"names": OTHERS, "before": THINGS}),
    "volume limit; destroyed ones do not count": (Title, {"before": ready(name="a1")}),
    "listVirtualMachines with details=min":
        (Title, {"before": ["destroyVirtualMachine id=$b"] + attached("v1", "a", "alpha", 2) +
                 attached("v2", "s", "beta") + ["createTags resourceids=$a resourcetype=UserVm " +
                                                "tags[0].key=K tags[0].value=V"]}),
    "empty and 0 as ids": (Title, {"names": A}),
    "GET under enforcement, unknown command": (Title, {"settings": {"enforce-post": "true"}}),
    "over the API limit":
        (Title, {"settings": {"api-limit": 1, "interval-ms": LONG}, "before": ["listZones"]}),
    "restart with pending jobs":
        (RestartTitle, {"before": [line for n in "2345" for line in attached("v" + n, "a" + n, "v" + n)] +
                        ready("v1", "v1") + attached("v5", "a", "v6") + ["detachVolume id=$v5"]}),
}


def all_of(path, world):
    titles = replay.read(path)
    missing = PREPARATIONS.keys() - {t["title"] for t in titles}
    if missing:
        raise ValueError(f"nothing was recorded with the title {missing}")
    for t in titles:
        kind, args = PREPARATIONS.get(t["title"], (Title, {}))
        yield kind(t, world, **args)
