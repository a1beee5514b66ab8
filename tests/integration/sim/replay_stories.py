# SPDX-License-Identifier: LGPL-2.1-or-later
#
# recordings/subjects: exchanges of other callers in other worlds, by subject. Each file becomes a story: what has to
# be there is made, the recorded requests are sent with the ids of this world, and status, codes and texts of refusals
# and the keys and types of rows are compared; values are another world's.
#
# A story's lines: "3-7" are the exchanges 3 to 7 of the file; "12 signature=bad" with a fault in the request; "not
# 13-15: why" those that no simulator can be asked for; others are requests as Replay.prepare() takes them, or
#   hold COMMAND, release      the next job of the command does not end before
#   fails COMMAND, fails       the hypervisor's command that fails from now on; none any more
#   poke KIND ID KEY=VALUE     /admin/poke; seed KINDS ID KEY=VALUE: /admin/seed
#   let A = B                  two names of one thing
#   database away, database back HOW: what becomes of the jobs that were at work
#   collect                    the collector of VMs' figures comes by
#   wait                       until no job is pending
#   until STATE ID             until the volume is in that state
# An id 1000002e-0000-4000-8000-00000000002e of the files is $x02e.
import json
import os
import re
import time

import replay
from replay_scripts import Failures, Script

# What the laboratory's ids are in this world: zones, offerings, VMs with their root volumes.
NAMES = {"001": "z1", "003": "z2", "014": "a", "013": "aroot", "01c": "b", "01b": "broot", "020": "s", "01f": "sroot",
         "023": "n", "022": "nroot", "02a": "small", "0e4": "custom", "0f8": "medium", "054": "so", "015": "tpl",
         "056": "net", "016": "domain", "093": "project", "092": "pvm", "098": "pvmroot", "029": "account_other"}
VMS = {"a": ("oma", "Running"), "b": ("test", "Running"), "s": ("failover", "Running"), "n": ("stopped", "Stopped")}
# What of a reply is compared by its value.
EXACT = {"errorcode", "cserrorcode", "errortext", "jobstatus", "jobresultcode", "jobprocstatus", "cmd", "success",
         "uuidList", "intervaltype", "snapshottype", "state", "type", "resourcetype"}


def shape(value, key=None):
    """What is compared of a reply: keys, types, and the values of EXACT."""
    if isinstance(value, dict):
        return {k: shape(v, None if key == "(a row)" else k) for k, v in value.items()}
    if isinstance(value, list):
        rows = [shape(v, None if len(value) == 1 else "(a row)") for v in value]
        keys = {k: {json.dumps(row[k]) for row in rows if k in row} for r in rows if isinstance(r, dict) for k in r}
        return [{k: sorted(v) for k, v in keys.items()}] if keys else sorted({json.dumps(r) for r in rows})
    return value if key in EXACT else type(value).__name__


STORIES = {
    "attach-detach": """
        set max-data-disks=6
        x02e = createVolume name=att A diskofferingid=$small zoneid=$z1
        x036 = createVolume name=att B diskofferingid=$small zoneid=$z1
        x04b = createVolume name=att C diskofferingid=$small zoneid=$z1
        x04d = createVolume name=att D diskofferingid=$small zoneid=$z1
        0-11
        x1 = createVolume name=e diskofferingid=$small zoneid=$z1
        attachVolume id=$x1 virtualmachineid=$a
        x2 = createVolume name=f diskofferingid=$small zoneid=$z1
        attachVolume id=$x2 virtualmachineid=$a
        x3 = createVolume name=g diskofferingid=$small zoneid=$z1
        attachVolume id=$x3 virtualmachineid=$a
        12-19
        stopVirtualMachine id=$s
        20-24
        detachVolume id=$sroot
        25-26
        detachVolume id=$sroot
        27-28
        x061 = createVolume name=never diskofferingid=$small zoneid=$z1
        29-32
        detachVolume id=$x1
        detachVolume id=$x2
        x067 = createVolume name=conc 2 diskofferingid=$small zoneid=$z1
        attachVolume id=$x067 virtualmachineid=$a
        detachVolume id=$x067
        set queue-ms=400
        33-36
        set queue-ms=0
        detachVolume id=$x067
        x06a = createVolume name=conc 3 diskofferingid=$small zoneid=$z1
        attachVolume id=$x06a virtualmachineid=$a
        detachVolume id=$x06a
        set queue-ms=400
        hold attachVolume
        x06c = begin attachVolume id=$x06a virtualmachineid=$a
        37-38
        until Attaching $x06a
        39
        release
        40
        set queue-ms=0
        x080 = createVolume name=stale diskofferingid=$small zoneid=$z1
        attachVolume id=$x080 virtualmachineid=$a
        not 41-48: the second detach has to begin after the attach to another VM has ended: heartbeats that are not ours
        x085 = createVolume name=twice diskofferingid=$small zoneid=$z1
        attachVolume id=$x085 virtualmachineid=$a
        set queue-ms=400
        x084 = begin detachVolume id=$x085
        x086 = begin detachVolume id=$x085
        49-50
        x087 = begin attachVolume id=$x085 virtualmachineid=$a
        x088 = begin attachVolume id=$x085 virtualmachineid=$a
        51-52
        set queue-ms=0
        destroyVirtualMachine id=$b
        let x105 = broot
        53-54
        """,
    "auth-errors": """
        0 signature=bad
        1 signature=empty
        2 signature=none
        3 key=none
        4 key=none signature=none
        5 key=unknown
        6-9
        10 signature=bad
        11
        12-13 signature=bad
        14 signature=bad response=xml
        seed accounts account_user state=disabled
        15
        seed accounts account_user state=locked
        16-17
        seed accounts account_user state=enabled
        not 18-19: keys that are switched off and source addresses give 15's answer
        20-22
        not 23: libmicrohttpd's answer to a body that is too long
        set enforce-post=true
        24-29
        30 signature=bad
        set enforce-post=false
        x1 = createVolume name=db diskofferingid=$small zoneid=$z1
        set job-ms=600000 db-list-ms=1 db-change-ms=1
        x146 = begin attachVolume id=$x1 virtualmachineid=$a
        database away
        31-32
        database back never
        33-34
        x169 = createVolume name=dbq diskofferingid=$small zoneid=$z1
        set job-ms=50
        x168 = begin attachVolume id=$x169 virtualmachineid=$b
        database away
        database back wait
        35-37
        """,
    "customjobid": """
        x025 = createVolume name=cj one diskofferingid=$small zoneid=$z1
        0
        hold attachVolume
        1-8
        release
        wait
        9-11
        not 12: no letter is left in the id that was in upper case
        13-14
        not 15: no letter is left in the id that was in upper case
        16-20
        not 21-27: three requests at the same moment; here one comes after the other
        x14f = createVolume name=cj two diskofferingid=$small zoneid=$z1
        attachVolume id=$x14f virtualmachineid=$a
        createSnapshot volumeid=$x14f name=cjs customjobid=$x151
        28-35
        x15a = createVolume name=cj three diskofferingid=$small zoneid=$z1
        36-37
        """,
    "delete": """
        x02e = createVolume name=att A diskofferingid=$small zoneid=$z1
        attachVolume id=$x02e virtualmachineid=$a
        x061 = createVolume name=never diskofferingid=$small zoneid=$z1
        0-9
        x06a = createVolume name=conc 3 diskofferingid=$small zoneid=$z1
        attachVolume id=$x06a virtualmachineid=$a
        detachVolume id=$x06a
        hold attachVolume
        begin attachVolume id=$x06a virtualmachineid=$a
        until Attaching $x06a
        10-12
        release
        wait
        x070 = createVolume name=early diskofferingid=$small zoneid=$z1
        set queue-ms=400
        x071 = begin attachVolume id=$x070 virtualmachineid=$a
        13-14
        set queue-ms=0
        x072 = createVolume name=conc 0 diskofferingid=$small zoneid=$z1
        attachVolume id=$x072 virtualmachineid=$a
        detachVolume id=$x072
        fails DeleteCommand
        15-20
        fails
        21-22
        x07a = createVolume name=slow diskofferingid=$small zoneid=$z1
        set delete-ms=50
        23
        set delete-ms=0
        x074 = createVolume name=conc 5 diskofferingid=$small zoneid=$z1
        attachVolume id=$x074 virtualmachineid=$a
        detachVolume id=$x074
        24-28
        x07d = createVolume name=alloc diskofferingid=$small zoneid=$z1
        29-32
        destroyVolume id=$x074
        33
        x0cf = createVolume name=snap A diskofferingid=$small zoneid=$z1
        attachVolume id=$x0cf virtualmachineid=$a
        detachVolume id=$x0cf
        hold createSnapshot
        begin createSnapshot volumeid=$x0cf
        34
        release
        wait
        35
        destroyVirtualMachine id=$b
        let x105 = broot
        36-37
        set expunge=false
        x15d = createVolume name=ae0 diskofferingid=$small zoneid=$z1
        attachVolume id=$x15d virtualmachineid=$a
        detachVolume id=$x15d
        x160 = createVolume name=ae1 diskofferingid=$small zoneid=$z1
        38-44
        """,
    "jobs": """
        x025 = createVolume name=cj one diskofferingid=$small zoneid=$z1
        set queue-ms=400
        hold attachVolume
        begin attachVolume id=$x025 virtualmachineid=$a
        0-7
        release
        wait
        8
        """,
    "lists-paging": """
        x08a = createVolume name=list 0 diskofferingid=$small zoneid=$z1
        x089 = createVolume name=list 1 diskofferingid=$small zoneid=$z1
        x08d = createVolume name=list 2 diskofferingid=$small zoneid=$z1
        x08c = createVolume name=list 3 diskofferingid=$small zoneid=$z1
        x08b = createVolume name=list 4 diskofferingid=$small zoneid=$z1
        x08e = createVolume diskofferingid=$small zoneid=$z1 name=trail 
        x08f = createVolume name=ümlaut diskofferingid=$small zoneid=$z1
        x090 = createVolume name=UMLAUT diskofferingid=$small zoneid=$z1
        x1 = createVolume name=more diskofferingid=$small zoneid=$z1
        attachVolume id=$x1 virtualmachineid=$b
        0-12
        not 13: which rows are on page -1 is nothing to rely on
        14-22
        not 23: number 1 is another row here
        24-60
        not 61: a name beyond the BMP that got into the database in another way
        62
        createVolume name=more diskofferingid=$small zoneid=$z1
        createVolume name=more diskofferingid=$small zoneid=$z1
        createVolume name=more diskofferingid=$small zoneid=$z1
        createVolume name=more diskofferingid=$small zoneid=$z1
        createVolume name=more diskofferingid=$small zoneid=$z1
        createVolume name=more diskofferingid=$small zoneid=$z1
        createVolume name=more diskofferingid=$small zoneid=$z1
        poke account account_user limits={"volume":20}
        63-64
        poke account account_user limits={"volume":-1}
        65-68
        not 69-70: encode.api.response
        x165 = createVolume name=hidden diskofferingid=$small zoneid=$z1
        admin: updateVolume id=$x165 displayvolume=false
        71-74
        """,
    "projects": """
        stopVirtualMachine id=$s
        startVirtualMachine id=$s
        0-61
        x09a = createVolume name=own for project diskofferingid=$small zoneid=$z1
        62-79
        createTags resourceids=$x09d resourcetype=Volume tags[0].key=k tags[0].value=v
        80-103
        """,
    "rate-limit": """
        set api-limit=100 interval-ms=600000
        0-1
        not 2-4: lists of an account that has nothing
        5-9
        not 10: only the first row of the reply was kept
        11
        set api-limit=1
        12-17
        18 signature=bad
        """,
    "refusals": """
        set max-data-disks=6
        x02c = createVolume name=old name diskofferingid=$small zoneid=$z1
        x02e = createVolume name=att A diskofferingid=$small zoneid=$z1
        attachVolume id=$x02e virtualmachineid=$a
        x036 = createVolume name=att B diskofferingid=$small zoneid=$z1
        0-21
        not 22: number 1 is another row here
        23-25
        x03c = other: createVolume name=others diskofferingid=$small zoneid=$z1
        26-29
        30-33
        x045 = admin: createVolume name=admins diskofferingid=$small zoneid=$z1
        34-35
        x047 = createVolume name=z2 diskofferingid=$small zoneid=$z2
        36-38
        not 39: the job of 22
        40-45
        stopVirtualMachine id=$s
        detachVolume id=$x02e
        46-47
        x061 = createVolume name=gone diskofferingid=$small zoneid=$z1
        deleteVolume id=$x061
        48-49
        x06a = createVolume name=conc 3 diskofferingid=$small zoneid=$z1
        attachVolume id=$x06a virtualmachineid=$a
        detachVolume id=$x06a
        hold attachVolume
        begin attachVolume id=$x06a virtualmachineid=$a
        until Attaching $x06a
        50-51
        release
        wait
        x072 = createVolume name=conc 0 diskofferingid=$small zoneid=$z1
        x074 = createVolume name=conc 5 diskofferingid=$small zoneid=$z1
        fails AttachCommand
        52-55
        not 56-57: an agent that does not answer at all, with 53's text
        fails
        attachVolume id=$x072 virtualmachineid=$a
        fails DettachCommand
        58-59
        fails
        detachVolume id=$x072
        fails DeleteCommand
        destroyVolume id=$x074
        recoverVolume id=$x074
        fails
        60-61
        destroyVolume id=$x074
        62-76
        let x100 = b
        x107 = createVolume name=fresh diskofferingid=$small zoneid=$z1
        admin: destroyVirtualMachine id=$b expunge=true
        77
        x11e = createVolume name=late diskofferingid=$small zoneid=$z1
        let x11b = n
        hold startVirtualMachine
        begin startVirtualMachine id=$n
        78-79
        release
        """,
    "resize": """
        x061 = createVolume name=never diskofferingid=$small zoneid=$z1
        attachVolume id=$x061 virtualmachineid=$n
        0-1
        detachVolume id=$x061
        deleteVolume id=$x061
        2
        x06a = createVolume name=conc 3 diskofferingid=$small zoneid=$z1
        attachVolume id=$x06a virtualmachineid=$a
        detachVolume id=$x06a
        hold attachVolume
        begin attachVolume id=$x06a virtualmachineid=$a
        until Attaching $x06a
        3-4
        release
        wait
        not 5-6: where a snapshot is while it runs is the race snapshot+resize
        7-14
        attachVolume id=$x0ec virtualmachineid=$a
        15-32
        fails ResizeVolumeCommand
        33-34
        fails
        hold resizeVolume
        35
        until Resizing $x0ec
        36-37
        release
        38-44
        """,
    "restart": """
        x126 = createVolume name=rs attach diskofferingid=$small zoneid=$z1
        attachVolume id=$x126 virtualmachineid=$a
        detachVolume id=$x126
        x128 = createVolume name=rs queued diskofferingid=$small zoneid=$z1
        attachVolume id=$x128 virtualmachineid=$a
        detachVolume id=$x128
        x12a = createVolume name=rs detach diskofferingid=$small zoneid=$z1
        attachVolume id=$x12a virtualmachineid=$b
        x12c = createVolume name=rs resize diskofferingid=$small zoneid=$z1
        attachVolume id=$x12c virtualmachineid=$s
        x12d = createVolume name=rs snap diskofferingid=$small zoneid=$z1
        attachVolume id=$x12d virtualmachineid=$a
        detachVolume id=$x12d
        x132 = createVolume name=rs alloc diskofferingid=$small zoneid=$z1
        set job-ms=600000
        0-6
        restart
        set job-ms=0
        7-10
        not 11: its snapshot was cut off when it was at the secondary storage, and is gone
        not 12: the same as 7
        13-18
        not 19: the volume of 22
        20
        not 21: the snapshot of 11
        not 22-23: a deleteVolume that was cut off
        24-31
        x163 = createVolume name=ae2 diskofferingid=$small zoneid=$z1
        attachVolume id=$x163 virtualmachineid=$a
        detachVolume id=$x163
        32-33
        """,
    "signature": """
        0-35
        36 signature=bad
        37-42
        43-45 signature=bad
        46-65
        not 66-68: encode.api.response, and a clock of another year
        """,
    "snapshots": """
        x061 = createVolume name=never diskofferingid=$small zoneid=$z1
        attachVolume id=$x061 virtualmachineid=$n
        0
        detachVolume id=$x061
        deleteVolume id=$x061
        1
        x06a = createVolume name=conc 3 diskofferingid=$small zoneid=$z1
        attachVolume id=$x06a virtualmachineid=$a
        detachVolume id=$x06a
        hold attachVolume
        begin attachVolume id=$x06a virtualmachineid=$a
        until Attaching $x06a
        2
        release
        wait
        x0cf = createVolume name=snap A diskofferingid=$small zoneid=$z1
        3
        attachVolume id=$x0cf virtualmachineid=$a
        4-11
        detachVolume id=$x0cf
        12-15
        not 16-24: where a snapshot is while it runs are the races snapshot+…
        fails CreateObjectCommand
        25-26
        fails
        27-34
        deleteVolume id=$x0cf
        35
        not 36-41: snapshots of customjobid
        """,
    "tags": """
        x0ab = createVolume name=tag A diskofferingid=$small zoneid=$z1
        x0af = createVolume name=tag B diskofferingid=$small zoneid=$z1
        0-59
        deleteVolume id=$x0af
        60-64
        not 65: a request and its job in one line, as 25 and 26
        x0cd = createVolume name=tag C diskofferingid=$small zoneid=$z1
        createTags resourceids=$x0cd resourcetype=Volume tags[0].key=b255 tags[0].value=x
        66-67
        """,
    "vms": """
        collect
        0-5
        detachVolume id=$sroot
        6-10
        x1 = createVolume name=att A diskofferingid=$small zoneid=$z1
        attachVolume id=$x1 virtualmachineid=$s deviceid=0
        11-12
        stopVirtualMachine id=$s
        detachVolume id=$x1
        attachVolume id=$sroot virtualmachineid=$s deviceid=0
        13-14
        not 15: its NIC has URIs, which those of other VMs that never ran have not
        16-18
        let x103 = x100root
        19-20
        x105 = createVolume name=replica root diskofferingid=$small zoneid=$z1
        attachVolume id=$x105 virtualmachineid=$a
        detachVolume id=$x105
        21-22
        x107 = createVolume name=replica data diskofferingid=$small zoneid=$z1
        23-32
        poke vm x100 deleteprotection=true
        33-34
        poke vm x100 deleteprotection=false
        35-61
        x113 = deployVirtualMachine zoneid=$z1 serviceofferingid=$so templateid=$tpl networkids=$net name=exp1
        fails DeleteCommand
        62-66
        fails
        67
        x115 = deployVirtualMachine zoneid=$z1 serviceofferingid=$so templateid=$tpl networkids=$net name=exp2
        x118 = createVolume name=exp2 data diskofferingid=$small zoneid=$z1
        attachVolume id=$x118 virtualmachineid=$x115
        fails StopCommand
        68-71
        fails
        72-73
        x11b = deployVirtualMachine zoneid=$z1 serviceofferingid=$so templateid=$tpl networkids=$net startvm=0 name=exp3
        fails StartCommand
        74-77
        fails
        hold startVirtualMachine
        begin startVirtualMachine id=$x11b
        78 80
        release
        79 81
        x12a = createVolume name=rs detach diskofferingid=$small zoneid=$z1
        attachVolume id=$x12a virtualmachineid=$b
        admin: updateVolume id=$broot displayvolume=false
        82-85
        """,
}

NUMBERS = re.compile(r"\d+(-\d+)?( \d+(-\d+)?)*( \w+=\w+)*$")
# What the recorder did not write out.
LENGTH = re.compile(r"\(([\d.]+) (bytes|MB)\)")


def numbers(text):
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


class Story(Script):
    """The exchanges of a file in the order and the situations of its story."""

    def __init__(self, name, rows, world):
        self.lines = [line.strip(" ").replace("\t", "") for line in STORIES[name].strip().splitlines()]
        self.lines = [line.lstrip() for line in STORIES[name].splitlines() if line.strip()]
        self.jobs = {}
        self.asked = set(re.findall(r"10000([0-9a-f]{3})-0000", json.dumps([row["params"] for row in rows])))
        self.rows = [self.as_exchange(name, n, row) for n, row in enumerate(rows)]
        told = [n for line in self.lines for n in self.told(line)]
        if sorted(told) != list(range(len(rows))):
            raise ValueError(f"{name}: not told, or twice: {set(told) ^ set(range(len(rows)))}")
        exchanges = [self.rows[n] for line in self.lines if NUMBERS.match(line) for n in self.told(line)]
        super().__init__("story " + name, exchanges, world)
        self.prepare_world()

    @staticmethod
    def told(line):
        if line.startswith("not "):
            return list(numbers(line[4:line.index(":")]))
        return list(numbers(re.sub(r" \w+=\w+", "", line))) if NUMBERS.match(line) else []

    def left_out(self):
        return sum(len(self.told(line)) for line in self.lines if line.startswith("not "))

    def named(self, text):
        """The text with names for the ids that are in requests; others are the laboratory's, and random."""
        def name(m):
            return "$" + NAMES.get(m.group(1), "x" + m.group(1)) if m.group(1) in self.asked else m.group(0)
        return re.sub(r"10000([0-9a-f]{3})-0000-4000-8000-[0-9a-f]{12}", name, text)

    def as_exchange(self, name, n, row):
        text = json.loads(self.named(json.dumps(row)))
        params = [[k, self.written_out(k, v, row["note"] or "")] for k, v in text["params"].items()]
        e = {"script": name, "n": n, "step": text["params"].get("command"), "params": params, "method": row["method"],
             "who": "admin" if row["who"] == "unsigned" else row["who"], "note": row["note"], "status": row["status"],
             "reply": text["body"], "description": row["headers"].get("X-Description")}
        if row["who"] != "unsigned":
            e["type"] = row["headers"].get("Content-Type", "")
        body = replay.parse(e["reply"])
        answer = next(iter(body.values())) if isinstance(body, dict) else {}
        if e["step"] == "queryAsyncJobResult" and answer.get("jobstatus"):
            e.update(step="job:" + self.jobs.get(text["params"]["jobid"], "?"), job=text["params"]["jobid"])
        elif isinstance(answer, dict) and "jobid" in answer:
            self.jobs[answer["jobid"]] = e["step"]
        return e

    @staticmethod
    def written_out(key, value, note):
        m = LENGTH.fullmatch(value)
        if m:
            return "x" * int(float(m.group(1)) * (1 if m.group(2) == "bytes" else 1 << 20))
        return replay.expires(value, 16 if "16 min" in note else 8) if key == "expires" else value

    def prepare_world(self):
        seed, symbols, literal = self.world["seed"], self.world["symbols"], self.world["literal"]
        seed["accounts"] = [a for a in seed["accounts"] if a["name"] != "mk"]
        for row in seed["accounts"] + seed["networks"]:
            if row["id"] == literal["account_user"] or row["id"] == symbols["net"]:
                row["name" if "apikey" in row else "account"] = "mk"
        replay.copy_vm(seed, symbols, symbols["a"], "pvm")
        symbols["project"] = replay.derive("project")
        seed["projects"] = [{"id": symbols["project"], "name": "proj", "domainid": literal["domain"],
                             "members": [replay.derive("user")]}]
        for row in seed["vms"] + seed["volumes"]:
            if symbols["pvm"] in (row["id"], row.get("virtualmachineid")):
                del row["account"]
                row["project"] = symbols["project"]
            for vm, (name, state) in VMS.items():
                if row["id"] == symbols[vm]:
                    row.update(name=name, displayname=name, state=state)
        raw = {m.group(1) for e in self.exchanges for m in re.finditer(r"\$x([0-9a-f]{3})\b", json.dumps(e))}
        for name in raw:
            symbols.setdefault("x" + name, f"10000{name}-0000-4000-8000-000000000{name}")

    view = staticmethod(shape)
    exact = False

    def play(self, r):
        for line in self.lines:
            if line.startswith("not "):
                continue
            if NUMBERS.match(line):
                fault = dict(part.split("=") for part in line.split() if "=" in part)
                for n in self.told(line):
                    yield self.rows[n], r.run_one({**self.rows[n], "fault": fault})
            else:
                self.arrange(r, line)

    def arrange(self, r, line):
        word, _, rest = line.partition(" ")
        if word == "hold":
            r.sim.admin("fault", {"command": rest, "action": "job-hold"})
        elif word in ("release", "restart"):
            r.sim.admin(word, {})
        elif word == "fails":
            r.sim.admin("set", {"fail": Failures.words.get(rest, "")})
        elif word in ("poke", "seed"):
            kind, name, change = rest.split(" ")
            key, _, value = change.partition("=")
            value = json.loads(value) if value[0] in "{tf" else value
            name = r.symbols.ids[name]
            r.sim.admin(word, {kind: name, key: value} if word == "poke" else {kind: [{"id": name, key: value}]})
        elif word == "let":
            name, _, same = rest.partition(" = ")
            if same not in r.symbols.ids:
                r.find_root(same)
            r.symbols.bind(name, r.symbols.ids[same])
        elif word == "database":
            _, _, jobs = rest.partition("back ")
            r.sim.admin("database", {"away": False, "jobs": jobs} if jobs else {"away": True})
        elif word == "collect":
            r.collect()
        elif word == "wait":
            self.until(lambda: not any(j["jobstatus"] == 0 for j in r.sim.admin("state?kinds=jobs")["jobs"].values()))
        elif word == "until":
            state, volume = rest.split(" ")
            volume = r.symbols.expand(volume)
            self.until(lambda: r.sim.admin("state?kinds=volumes")["volumes"][volume]["state"] == state)
        else:
            r.prepare(line)

    @staticmethod
    def until(true):
        end = time.monotonic() + 60
        while not true():
            if time.monotonic() > end:
                raise RuntimeError("it does not come to pass")
            time.sleep(0.005)


def all_of(folder, world):
    for name in STORIES:
        yield Story(name, replay.read(os.path.join(folder, name + ".jsonl.gz")), world)
