# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-appliance.py SIMULATOR IMAGES SCRATCH [NAMES]: proves the installed package in a guest with real systemd, udev,
# polkit and disks, against the simulator. All tests run on one guest, in the order of their definition. Each makes what
# it needs, and removes it. NAMES: a comma list; only tests with one of them in their name are run. Prints TAP.
import json
import os
import sys
import time
import traceback

from appliance import API_KEY, GIB, MANAGER, NAME, SECRET, SOCKET, UNIT, WRONG_SECRET, Appliance
from guest import OMA

TEST_VM = "22222222-2222-4222-8222-222222222222"
TEST_ROOT = "33333333-3333-4333-8333-333333333333"
FAILOVER_VM = "44444444-4444-4444-8444-444444444444"
FAILOVER_ROOT = "55555555-5555-4555-8555-555555555555"
FAILOVER = f"{NAME}.Failover"
TEST_VM_INTERFACE = f"{NAME}.TestVM"


class Tests:
    def __init__(self, appliance):
        self.a = appliance

    # --- the system ---

    def test_boots_without_a_failed_unit(self):
        state = self.a.run("systemctl is-system-running --wait || { systemctl --failed --no-legend; false; }")
        assert state == "running", state

    def test_shipped_unit_runs_hardened(self):
        """L43: all tests here run under this very unit."""
        a = self.a
        a.wait_serving()
        assert a.property("FragmentPath") == f"/lib/systemd/system/{UNIT}", a.property("FragmentPath")
        assert a.property("DropInPaths") == ""
        changed = a.run("dpkg -V migratekit-volumed | grep -v -e ' c /' -e /usr/share/doc/ -e /usr/share/man/ || true")
        assert not changed, changed
        status = a.run(f"cat /proc/{a.pid()}/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2", status
        assert int(fields["CapEff"], 16) == 0 and int(fields["CapBnd"], 16) == 0, status
        assert fields["Uid"].split()[0] == a.run("id -u migratekit"), status

    def test_unit_scores_at_most_2(self):
        self.a.run(f"systemd-analyze security --no-pager --threshold=20 {UNIT} | tail -n 1")

    def test_machine_is_the_configured_vm(self):
        a = self.a
        assert a.run("cat /sys/class/dmi/id/product_uuid").lower() == OMA
        a.restart_checked()
        assert a.get("Healthy Status") == 'b true\ns "serving"', a.get("Healthy Status")

    def test_another_vm_is_configured(self):
        a = self.a
        drop_in = "/etc/migratekit/volumed.conf.d/zz-other-vm.conf"
        try:
            a.run(f"printf '[appliance]\\nvm = {TEST_VM}\\n' >{drop_in}; systemctl restart {UNIT}")
            a.wait_for("Status", f"this machine is VM {OMA} by its DMI UUID")
            assert a.get("Healthy") == "b false"
            a.fails(lambda: a.create("nowhere"), "nothing is done here: this machine is VM")
        finally:
            a.run(f"rm {drop_in}")
            a.restart_checked()
        assert a.get("Status") == 's "serving"', a.get("Status")

    def test_no_dmi_uuid(self):
        a = self.a
        drop_in = f"/run/systemd/system/{UNIT}.d"
        a.run(f"""mkdir -p {drop_in}
            printf '[Service]\\nLoadCredential=dmi-uuid:/nonexistent\\n' >{drop_in}/none.conf
            systemctl daemon-reload""")
        a.restart_checked()
        assert a.get("Healthy") == "b true"
        assert "no DMI UUID can be read" in a.get("Status"), a.get("Status")
        a.run(f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart {UNIT}")

    def test_bus_activation(self):
        a = self.a
        a.run(f"systemctl stop {UNIT}")
        assert a.property("ActiveState") == "inactive"
        a.wait_serving()
        assert a.property("ActiveState") == "active"

    def test_socket_activation(self):
        a = self.a
        a.run(f"systemctl stop {UNIT}")
        assert a.property("ActiveState") == "inactive"
        assert a.call("ListClasses", "a{sv}", 0, busctl=f"busctl --address={SOCKET}")
        assert a.property("ActiveState") == "active"
        assert a.run("stat -c '%U %G %a' /run/migratekit/volumed.sock") == "root migratekit 660"

    def test_socket_takes_the_daemon_along(self):
        a = self.a
        a.wait_serving()
        pid = a.pid()
        a.run("systemctl restart migratekit-volumed.socket")
        assert a.pid() not in (pid, "0"), a.pid()
        for way in a.ways:
            a.run(way)
        a.run("systemctl stop migratekit-volumed.socket; test ! -e /run/migratekit/volumed.sock")
        assert a.property("ActiveState") == "inactive"
        # the bus brings both back
        for way in a.ways:
            a.run(way)

    def test_broken_configuration_is_tried_once(self):
        a = self.a
        drop_in = "/etc/migratekit/volumed.conf.d/zz-broken.conf"

        def expect_failed():
            assert a.property("ActiveState") == "failed", a.property("ActiveState")
            assert a.property("ExecMainStatus") == "78" and a.restarts() == 0
            assert a.run("systemctl is-active migratekit-volumed.socket") == "active"

        for way in a.ways:
            try:
                a.run(f"printf '[cloudstack]\\nurl = ftp://nowhere\\n' >{drop_in}; systemctl stop {UNIT}")
                a.fails(lambda: a.run(f"systemctl start {UNIT}"), "failed")
                expect_failed()
                # at once; a call over the bus would wait for the bus's own time-out
                a.run(f"s=0; timeout 20 {a.ways[1]} || s=$?; test $s -ne 0 -a $s -ne 124")
                expect_failed()
            finally:
                a.run(f"rm {drop_in}")
            a.run(way)
            assert a.property("ActiveState") == "active"

    def test_restart_serves_who_waits(self):
        a = self.a
        a.wait_serving()
        pid = a.pid()
        # the daemon does not see the call before it is told to end
        a.run(f"""kill -STOP {pid}
            {a.ways[1]} & client=$!
            systemctl restart {UNIT}
            wait $client""")
        assert a.pid() != pid

    # --- disks ---

    def test_life_of_a_volume(self):
        a = self.a
        volume = a.create("life")
        for first in (True, False):
            device = a.attach(volume)
            assert a.device(volume) == device
            if first:
                a.write(volume, device)
            a.check_content(volume, device)
            a.detach(volume)
            a.gone(device)
        a.delete(volume)
        assert a.call("ListVolumes", "a{sv}", 0) == [[]]

    def test_two_at_once(self):
        a = self.a
        volumes = [a.create(f"both-{i}") for i in range(2)]
        tokens = [a.begin("AttachVolume", "sss", "oma", v, "") for v in volumes]
        devices = [a.wait(t)["Device"] for t in tokens]
        assert len(set(devices)) == 2, devices
        for v, d in zip(volumes, devices):
            a.check_identity(v, d)
            a.write(v, d)
        for v, d in zip(volumes, devices):
            a.check_content(v, d)
        for t in [a.begin("DetachVolume", "s", v) for v in volumes]:
            a.wait(t)
        for v, d in zip(volumes, devices):
            a.gone(d)
            a.delete(v)

    def test_virtio_scsi(self):
        a = self.a
        a.simulator.post("set", **{"hv-bus": "scsi"})
        try:
            volumes = [a.create(f"scsi-{i}") for i in range(2)]
            devices = [a.attach(v) for v in volumes]
        finally:
            a.simulator.post("set", **{"hv-bus": "virtio"})
        for v, d in zip(volumes, devices):
            assert d.startswith("/dev/sd"), d
            a.write(v, d)
            a.detach(v)
            a.gone(d)
            a.delete(v)

    def test_in_use_is_seen_from_inside_the_sandbox(self):
        a = self.a
        volume = a.create("used")
        device = a.attach(volume)
        a.run(f"""printf 'label: gpt\\nsize=64M\\nsize=64M\\n' | sfdisk -q --wipe always {device}
            udevadm settle
            mkfs.ext4 -q {device}1
            mkswap -q {device}2 >/dev/null
            mkdir -p /mnt/used; mount {device}1 /mnt/used""")

        def in_use(*words):
            a.fails_as("InUse", a.begin("DetachVolume", "s", volume), *words)

        part = os.path.basename(device)
        in_use("mounted on /mnt/used", f"{part}1")
        a.run("umount /mnt/used")
        # a mount that no list of the daemon's shows: it is in another namespace
        a.run(f"""systemd-run -q --unit=other-mount -p PrivateMounts=yes bash -c \
            'mount {device}1 /mnt/used && touch /run/other-mount && exec sleep infinity'
            until [ -e /run/other-mount ]; do sleep 0.1; done""")
        in_use("opened exclusively")
        a.run("systemctl stop other-mount")
        a.run(f"swapon {device}2")
        in_use("swap", f"{part}2")
        a.run(f"swapoff {device}2")
        a.run(f"""systemd-run -q --unit=other-open perl -e 'use Fcntl;
            sysopen(my $f, "{device}", O_RDONLY | O_EXCL) or die; open(my $g, ">", "/run/other-open"); sleep'
            until [ -e /run/other-open ]; do systemctl -q is-active other-open; sleep 0.1; done""")
        in_use("opened exclusively")
        a.run("systemctl stop other-open")
        a.detach(volume)
        a.gone(device)
        a.delete(volume)

    def test_kill_in_the_middle_of_an_attach(self):
        a = self.a
        volume = a.create("killed")
        restarts = a.restarts()
        a.simulator.post("clear-log")
        a.simulator.post("fault", command="attachVolume", action="job-hold")
        token = a.begin("AttachVolume", "sss", "oma", volume, "")
        a.simulator.wait("attachVolume")
        a.run(f"systemctl kill --signal=KILL {UNIT}")
        a.simulator.post("release")
        device = a.wait(token)["Device"]
        a.check_identity(volume, device)
        assert a.restarts() == restarts + 1
        assert a.simulator.executed("attachVolume") == 1
        a.detach(volume)
        a.delete(volume)

    # --- the other classes ---

    def test_failover_there_and_back(self):
        a = self.a
        a.do("DeleteRootVolume", "s", FAILOVER_VM, interface=TEST_VM_INTERFACE)
        volumes = [a.create(f"web-{i}") for i in range(2)]
        homes = [a.attach(v) for v in volumes]
        for v, d in zip(volumes, homes):
            a.write(v, d)
        result = a.do("Assign", "ass", 2, *volumes, FAILOVER_VM, interface=FAILOVER, options=["root", "s", volumes[0]])
        assert result["Root"] == volumes[0], result
        state = a.simulator.get("state")["volumes"]
        assert [state[v]["deviceid"] for v in volumes] == [0, 1], state
        for d in homes:
            a.gone(d)
        devices = a.do("Return", "as", 2, *volumes, interface=FAILOVER)["Devices"]
        for v in volumes:
            device = devices[v]["data"]
            a.check_identity(v, device)
            a.check_content(v, device)
            a.detach(v)
            a.delete(v)

    def test_root_volume_of_a_test_vm(self):
        a = self.a
        result = a.do("DeleteRootVolume", "s", TEST_VM, interface=TEST_VM_INTERFACE)
        assert result["Volume"] == TEST_ROOT, result
        assert a.simulator.get("state")["volumes"][TEST_ROOT].get("removed")
        a.fails(lambda: a.begin("DeleteRootVolume", "s", OMA, interface=TEST_VM_INTERFACE), "appliance itself")

    # --- callers ---

    def test_stranger_may_only_introspect(self):
        a = self.a
        text = a.as_user("stranger", f"busctl introspect --xml-interface {NAME} {MANAGER}")
        assert "CreateVolume" in text
        a.fails(lambda: a.call("ListVolumes", "a{sv}", 0, user="stranger"), "denied")
        a.fails(lambda: a.begin("CreateVolume", "sst", "oma", "no", GIB, user="stranger"), "denied")
        a.fails(lambda: a.call("ListVolumes", "a{sv}", 0, user="stranger", busctl=f"busctl --address={SOCKET}"),
                "Permission denied")

    def test_member_may_what_polkit_allows(self):
        a = self.a
        rule = "/etc/polkit-1/rules.d/10-system-test.rules"
        volume = a.create("members", user="member")
        assert a.run("systemctl is-active polkit") == "active"
        device = a.attach(volume, user="member")
        a.fails_as("WrongState", a.begin("DeleteVolume", "s", volume, user="member"), "detach it first")
        a.detach(volume, user="member", busctl=f"busctl --address={SOCKET}")
        a.gone(device)
        # polkitd reads its rules again when they change; restarted, there is nothing to wait for
        a.run(f"""echo 'polkit.addRule(function(action, subject) {{
            if (action.id == "org.migratekit.volume1.delete") return polkit.Result.NO; }});' >{rule}
            systemctl restart polkit""")
        a.fails(lambda: a.delete(volume, user="member"), "Access denied")
        a.run(f"journalctl -q -u {UNIT} | grep -q 'refused DeleteVolume to user .*polkit says no'")
        assert len(a.call("ListVolumes", "a{sv}", 0, user="member")[0]) == 1
        a.run(f"rm {rule}; systemctl restart polkit")
        a.delete(volume, user="member")

    # --- operation ---

    def test_reload_takes_a_new_secret(self):
        a = self.a
        pid = a.pid()

        def set_secret(text):
            a.run(f"printf %s {text} >/etc/migratekit/secret-key; systemctl reload {UNIT}")

        set_secret(WRONG_SECRET)
        a.simulator.post("clear-log")
        token = a.begin("CreateVolume", "sst", "oma", "reloaded", GIB)
        a.run(f"""timeout 60 bash -c 'until journalctl -q -u {UNIT} -o cat OPERATION={token} | grep -q .; do
            sleep 0.2; done'""")
        assert a.simulator.executed("createVolume") == 0
        set_secret(SECRET)
        volume = a.wait(token)["Volume"]
        assert a.pid() == pid, "it was restarted, not reloaded"
        a.delete(volume)

    def test_watchdog(self):
        a = self.a
        drop_in = f"/run/systemd/system/{UNIT}.d"
        a.run(f"""mkdir -p {drop_in}; printf '[Service]\\nWatchdogSec=3s\\n' >{drop_in}/fast.conf
            systemctl daemon-reload; systemctl restart {UNIT}""")
        pid, restarts = a.pid(), a.restarts()
        a.run(f"""kill -STOP {pid}
            timeout 60 bash -c 'until [ "$(systemctl show -P NRestarts {UNIT})" -gt {restarts} ]; do sleep 0.2; done'""")
        a.wait_serving()
        assert a.pid() != pid
        a.run(f"journalctl -q -u {UNIT} | grep -q 'Watchdog timeout'")
        a.run(f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart {UNIT}")

    # --- another boot ---

    def test_reboot_with_disks_in_another_order(self):
        a = self.a
        volumes = [a.create(f"boot-{i}") for i in range(3)]
        before = {}
        for v in volumes:
            before[v] = a.attach(v)
            a.write(v, before[v])
        a.guest.power_off()
        a.boot(list(reversed(a.simulator.disks())))
        a.wait_serving()
        assert a.run("systemctl is-system-running --wait") == "running"
        after = {v: a.device(v) for v in volumes}
        assert after != before, "the letters did not change: nothing was proven"
        for v in volumes:
            a.check_identity(v, after[v])
            a.check_content(v, after[v])
            a.detach(v)
            a.gone(after[v])
            a.delete(v)

    # --- the journal ---

    def test_journal_has_fields(self):
        a = self.a
        lines = a.run(f"journalctl -q -b all -u {UNIT} -o json --output-fields=OPERATION,VOLUME,VM,STEP,PLUGIN,"
                      "CLOUDSTACK_JOB,PRIORITY | grep OPERATION | tail -n 400").splitlines()
        rows = [json.loads(line) for line in lines]
        for field in ("OPERATION", "VOLUME", "VM", "STEP", "PLUGIN", "CLOUDSTACK_JOB"):
            assert any(row.get(field) for row in rows), f"no {field}="
        token = rows[-1]["OPERATION"]
        a.run(f"journalctl -q OPERATION={token} | grep -q .")

    def test_journal_has_no_secret(self):
        self.a.run(f"""journalctl -q -b all -o export >/run/journal
            grep -q migratekit-volumed /run/journal
            ! grep -aqF -e {SECRET} -e {WRONG_SECRET} -e {API_KEY} /run/journal &&
            ! grep -aqF -e {SECRET} -e {WRONG_SECRET} /proc/$(systemctl show -P MainPID {UNIT})/environ""")

    # --- the package: the last, as it is gone afterwards ---

    def test_package_upgrade_remove_purge(self):
        a = self.a
        a.wait_serving()
        pid = a.pid()
        a.run("dpkg -i /var/local/migratekit-volumed.deb", 300)
        assert a.pid() not in (pid, "0"), a.pid()
        for way in a.ways:
            a.run(way)
        a.run("dpkg -r migratekit-volumed", 300)
        a.run("test -d /var/lib/migratekit -a -f /etc/migratekit/volumed.conf")
        left = a.run("""pgrep -lu migratekit || true
            find /run -name '*igratekit*' -print
            systemctl list-units --plain --no-legend 'migratekit-volumed.*'
            systemctl --failed --plain --no-legend""")
        assert not left, left
        a.fails(lambda: a.run(a.ways[0]), "not provided by any .service files")
        a.run("dpkg -P migratekit-volumed", 300)
        left = a.run("""find / -xdev -path /var/lib/dpkg -prune -o -path '*igratekit*' -print | sort""").split()
        assert left == ["/etc/credstore/migratekit.cloudstack-api-key", "/etc/migratekit", "/etc/migratekit/secret-key",
                        "/etc/migratekit/volumed.conf.d", "/etc/migratekit/volumed.conf.d/system-test.conf",
                        "/var/local/migratekit-volumed.deb"], left
        assert not a.run("systemctl --failed --plain --no-legend")


def show(text):
    for line in text.splitlines():
        print(f"# {line}")


def explain(appliance):
    """What is wanted after a failure, if the guest still talks."""
    show(appliance.simulator.log()[-2000:])
    try:
        show(appliance.run(f"journalctl -q --no-pager -n 15 -o short-monotonic -u {UNIT}; "
                           f"systemctl show -p ActiveState,StatusText,Result {UNIT}; true", 20))
    except Exception as e:  # pylint: disable=broad-except
        show(f"the guest says nothing: {e}")
        show(appliance.guest.console()[-2000:])


def run_tests(appliance, wanted):
    tests = Tests(appliance)
    names = [n for n in Tests.__dict__ if n.startswith("test_") and any(w in n for w in wanted.split(","))]
    print(f"1..{len(names)}", flush=True)
    failed = 0
    for i, name in enumerate(names, 1):
        start = time.monotonic()
        try:
            getattr(tests, name)()
            print(f"ok {i} - {name[5:].replace('_', ' ')} # {time.monotonic() - start:.1f} s", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {i} - {name[5:].replace('_', ' ')}")
            show(traceback.format_exc(limit=-4))
            explain(appliance)
            sys.stdout.flush()
            if not appliance.guest.alive():
                print("Bail out! QEMU has ended")
                break
    return failed


def main():
    simulator, images, scratch = sys.argv[1:4]
    start = time.monotonic()
    appliance = Appliance(simulator, images, scratch)
    try:
        appliance.boot()
        show(f"booted after {time.monotonic() - start:.1f} s")
        failed = run_tests(appliance, sys.argv[4] if len(sys.argv) > 4 else "")
        appliance.guest.power_off()
        show(f"all in {time.monotonic() - start:.1f} s")
    finally:
        appliance.stop()
        if os.environ.get("MK_KEEP_LOGS"):
            appliance.save_logs(os.environ["MK_KEEP_LOGS"])
    sys.exit(1 if failed else 0)


main()
