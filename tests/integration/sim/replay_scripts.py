# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The scripts of recordings/*.gz, each with what its replay needs besides its requests: how the simulator is set, and
# what happens to it on the way.
import http.client
import json
import os
import re
import time

import replay

LONG = 600000
# No time passes but where a script is about time.
SETTINGS = {"hypervisor": "Simulator", "queue-ms": 0, "job-ms": 0, "report-ms": 0, "create-job-ms": 0, "delete-ms": 0,
            "stats-ms": 0}


class Script:
    """Exchanges that are replayed one after the other against a simulator of their own."""

    settings = {}
    exact = True  # values are compared, too
    waits = False

    @staticmethod
    def view(body):
        """What of a reply is compared."""
        return body

    def __init__(self, name, exchanges, world):
        self.name = name
        self.exchanges = exchanges
        self.world = replay.world_for(world, exchanges)

    def left_out(self):
        """How many exchanges of the recording are not replayed."""
        return 0

    def matches(self, names):
        return any(n == self.name or n == self.name.split(" ")[0] for n in names)

    def run(self, program):
        """Returns a list of (exchange, its differences)."""
        outcome = []
        sim = None
        try:
            sim = replay.Simulator(program, {**SETTINGS, **self.settings}.items(), replay.alone(self.world["seed"]))
            for pair in self.play(replay.Replay(sim, self.world, self.exchanges, self.view)):
                outcome.append(pair)
        except (OSError, ValueError, RuntimeError, http.client.HTTPException) as x:
            outcome += [(e, [("not replayed", None, str(x))]) for e in self.exchanges[len(outcome):]]
        finally:
            if sim:
                sim.close()
        return outcome

    def play(self, r):
        yield from r.run()


class Failures(Script):
    """A note names the hypervisor's command that fails."""

    words = {"CreateObjectCommand": "create", "DeleteCommand": "delete", "ResizeVolumeCommand": "resize",
             "CopyCommand": "copy", "AttachCommand": "attach", "DettachCommand": "detach", "StartCommand": "start",
             "StopCommand": "stop"}

    def play(self, r):
        for e in self.exchanges:
            m = re.match(r"(\w+Command) fails", e.get("note") or "")
            if not e["step"].startswith("job:"):
                r.sim.admin("set", {"fail": self.words[m.group(1)] if m else ""})
            yield e, r.run_one(e)


class Restart(Script):
    """The server is killed when the jobs that are noted as pending have begun."""

    def play(self, r):
        note = None
        for i, e in enumerate(self.exchanges):
            if e.get("note") != note:
                note = e.get("note")
                if note == "pending":
                    r.sim.admin("set", {"job-ms": LONG})
                elif note == "at once":
                    r.sim.admin("restart", {"offline-ms": LONG})
                    r.sim.admin("set", {"job-ms": 0})
                elif note == "25 s later":
                    r.sim.admin("set", {"hosts-offline": False})
                elif note == "again":
                    r.jobs.clear()  # those that the restart has ended
            r.before(i)
            yield e, r.run_one(e)


class Race(Script):
    """The second request comes before the work of the first has begun, or, where the recorder's was late, when it has:
    he waited 1.2 s in between, and work begins up to 2 s later. The queues beat as CloudStack's. Where the machine is
    too slow for that, everything is done again with more time."""

    beat = 2000
    waits = True  # for most of its time
    reversed = {"race attach+attach other vm"}  # the queue of the second request came first
    late = {"race destroyvm+detach": ("listVirtualMachines", "$a", "Running")}  # until the object leaves the state
    window = (0, 0)

    def run(self, program):
        while True:
            outcome = super().run(program)
            if self.window[1] - self.window[0] < self.beat / 1000 * 0.8 or self.beat > LONG:
                return outcome
            self.beat *= 3

    def await_work(self, r):
        command, thing, state = self.late[self.name]
        params = [("command", command), ("id", r.symbols.expand(thing))]
        while f'"state":"{state}"' in r.sim.api(params)[2]:
            time.sleep(0.02)

    def play(self, r):
        self.window = (0, 0)
        for e in self.exchanges:
            begun = time.monotonic()
            if e.get("note") == "race" and not e["step"].startswith("job:"):
                if not self.window[0]:
                    # the recorder's hypervisor took 4 s: what needs no queue is in the middle of its work at the beat
                    r.sim.admin("set", {"queue-ms": self.beat, "job-ms": 2 * self.beat, "delete-ms": 2 * self.beat,
                                        "beat-order": "newest" if self.name in self.reversed else "oldest"})
                    self.window = (begun, begun)
                elif self.name in self.late:
                    self.await_work(r)
                else:
                    self.window = (self.window[0], time.monotonic())
            yield e, r.run_one(e)


class Others(Script):
    """What an account sees of another's things, which that one makes first: its $v is $ov for the other, and so on."""

    NAMES = {"a": "ovm", "v": "ov", "u": "ou", "s": "os", "job": "ojob"}

    @classmethod
    def of(cls, scripts, world):
        text = json.dumps([{**e, "who": "other"} for e in scripts["others-owner"]])
        owner = re.sub(r"\$(\w+)\b", lambda m: "$" + cls.NAMES.get(m.group(1), m.group(1)), text)
        return cls("others", json.loads(owner) + scripts["others"], world)


def all_of(folder, world):
    kinds = {"user": Script, "failures": Failures, "restart": Restart, "races": Race}
    result = [kind(name, exchanges, world) for file, kind in kinds.items()
              for name, exchanges in replay.scripts(os.path.join(folder, file + ".jsonl.gz")).items()]
    for script in result:
        replay.drop_unseen(script.world, script.exchanges)
    return result + [Others.of(replay.scripts(os.path.join(folder, "other-accounts.jsonl.gz")), world)]
