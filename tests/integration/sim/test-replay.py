# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-replay.py SIMULATOR [--groups FILE] [NAME…]: replays what was recorded on a real CloudStack against the
# simulator, and compares each reply. Prints TAP: a test for each script of recordings/. Where the simulator is allowed
# to differ says replay-exceptions.json. --groups writes all differences, alike ones together; with NAMEs only those
# scripts are run, and exceptions need not be used.
import argparse
import collections
import concurrent.futures
import json
import os
import re
import sys

import replay_check
import replay_scripts
import replay_stories
import replay_titles

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDINGS = os.path.join(HERE, "recordings")
# Most scripts wait for the simulator's jobs, or it waits for theirs.
WORKERS = 6
OUTCOME = re.compile(r"^(?!type)\w|(errortext|errorcode|count|jobstatus)$")
SHOWN = 8


def shorten(value, size=300):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= size else text[:size] + "…"


def request(e):
    return " ".join(f"{k}={shorten(v, 60)}" for k, v in e["params"] or [])


def all_of(folder):
    """Every script, the longest ones first, so that the last to end is a short one."""
    with open(os.path.join(folder, "seed.json"), encoding="utf-8") as f:
        world = json.load(f)
    result = replay_scripts.all_of(folder, world)
    result += replay_titles.all_of(os.path.join(folder, "differences.jsonl.gz"), world)
    result += replay_stories.all_of(os.path.join(folder, "subjects"), world)
    return sorted(result, key=lambda s: -len(s.exchanges))


class Result:
    """What became of a script: exchanges that are equal, excused, different."""

    def __init__(self, name, outcome, exceptions):
        self.name = name
        self.equal = self.excused = 0
        self.different = []  # (exchange, differences without the excused)
        for e, differences in outcome:
            rest = [d for d in differences if not exceptions.excuse(e, d)]
            if rest:
                self.different.append((e, rest))
            elif differences:
                self.excused += 1
            else:
                self.equal += 1

    def outcomes(self):
        """How many have the same outcome, whatever the keys of their rows are."""
        return self.count() - sum(any(OUTCOME.search(path) for path, _, _ in ds) for _, ds in self.different)

    def count(self):
        return self.equal + self.excused + len(self.different)

    def explain(self):
        """The first differences, for people."""
        for e, differences in self.different[:SHOWN]:
            print(f"# {self.name} {e['n']}: {e['step']}{' (' + e['note'] + ')' if e.get('note') else ''}: {request(e)}")
            for path, recorded, ours in differences[:SHOWN]:
                print(f"#     {path}")
                print(f"#         recorded {shorten(recorded)}")
                print(f"#         ours     {shorten(ours)}")
            if len(differences) > SHOWN:
                print(f"#     and {len(differences) - SHOWN} more")
        if len(self.different) > SHOWN:
            print(f"# and {len(self.different) - SHOWN} more exchanges of {self.name}")


def write_groups(path, results, size=12):
    """For those who work on the simulator: what differs, the most frequent first."""
    for r in results:
        print(f"# {r.name}: {r.count()}, equal {r.equal}, same outcome {r.outcomes()}")
    total, equal, outcomes = (sum(f(r) for r in results) for f in (Result.count, lambda r: r.equal, Result.outcomes))
    print(f"# TOTAL {total}, equal {equal}, same outcome {outcomes}")
    groups = collections.defaultdict(list)
    for r in results:
        for e, differences in r.different:
            for where, recorded, ours in differences:
                groups[(str(e["step"]), where)].append((r.name, e["n"], e.get("note"), request(e), recorded, ours))
    with open(path, "w", encoding="utf-8") as f:
        for key, rows in sorted(groups.items(), key=lambda item: -len(item[1])):
            f.write(f"### {len(rows)} {key}\n")
            for row in rows[:size]:
                f.write("   " + " | ".join(shorten(v, 230) for v in row) + "\n")


class Tap:
    def __init__(self, count):
        self.number = self.failed = 0
        print(f"1..{count}", flush=True)

    def test(self, name, ok):
        self.number += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.number} - replay: {name}", flush=True)
        return ok


def run(script, simulator):
    return script.run(simulator)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("simulator")
    parser.add_argument("--groups")
    parser.add_argument("names", nargs="*")
    args = parser.parse_intermixed_args()
    exceptions = replay_check.Exceptions(os.path.join(HERE, "replay-exceptions.json"))
    scripts = [s for s in all_of(RECORDINGS) if not args.names or s.matches(args.names)]
    tap = Tap(len(scripts) + len(replay_check.PLANTED) + 1)
    for name in replay_check.PLANTED:
        tap.test(f"a planted wrong reply is found: {name}", replay_check.found(name, scripts, exceptions))
    results = []
    waiting = [s for s in scripts if s.waits]
    # the processes first: a fork does not go well with threads
    with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool, \
            concurrent.futures.ThreadPoolExecutor(len(waiting) + 1) as threads:
        outcomes = [pool.submit(run, s, args.simulator) for s in scripts if not s.waits]
        outcomes += [threads.submit(run, s, args.simulator) for s in waiting]
        for script, outcome in zip([s for s in scripts if not s.waits] + waiting, outcomes):
            results.append(Result(script.name, outcome.result(), exceptions))
            r = results[-1]
            if not tap.test(f"{script.name}, {r.equal + r.excused} of {r.count()}", not r.different):
                r.explain()
    unused = [] if args.names else exceptions.unused()
    tap.test("each exception is needed", not unused)
    for name in unused:
        print(f'# exception "{name}" is not needed any more')
    print(f"# replayed {sum(r.count() for r in results)} exchanges: {sum(r.equal for r in results)} equal, "
          f"{sum(r.excused for r in results)} by {exceptions.used()} named exceptions, "
          f"{sum(len(r.different) for r in results)} different; "
          f"{sum(s.left_out() for s in scripts)} not replayed, replay_stories.py says why")
    if args.groups:
        write_groups(args.groups, results)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
