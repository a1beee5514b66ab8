# SPDX-License-Identifier: LGPL-2.1-or-later
"""The appliance of the system test: starts the simulator and the guest, and offers calls of the daemon in the guest."""
import json
import os
import shlex
import shutil
import subprocess
import urllib.request

from guest import OMA, Failed, Guest, die_with_parent

NAME = "org.migratekit.Volume1"
MANAGER = "/org/migratekit/Volume1"
UNIT = "migratekit-volumed.service"
SOCKET = "unix:path=/run/migratekit/volumed.sock"
API_KEY = "mK7-systemTest_0123456789"
SECRET = "sEcrEt-0123456789-of-the-system-test"
WRONG_SECRET = "sEcrEt-9876543210-which-is-wrong"
GIB = 1 << 30
OPERATION_LIMIT = 60

CONFIG = """\
[cloudstack]
url = http://10.0.2.2:{port}/client/api
secret-key-file = /etc/migratekit/secret-key
poll-min = 100ms
poll-max = 500ms
retry-min = 100ms
retry-max = 1s
[appliance]
vm = {oma}
[volumes]
disk-offering = Custom
[operations]
poll-interval = 200ms
settle-interval = 500ms
"""


class Simulator:
    def __init__(self, program, directory):
        secret = os.path.join(directory, "secret-key")
        with open(secret, "w", encoding="ascii") as f:
            f.write(SECRET)
        self.log_path = os.path.join(directory, "simulator.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [program, "--hypervisor", f"qmp:{directory}/qmp", "--api-key", API_KEY, "--secret-key-file", secret,
                 "--set", "job-ms=100"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=die_with_parent)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise RuntimeError("the simulator did not start")
        self.base = line.split()[1].removesuffix("/client/api")
        self.port = int(self.base.rsplit(":", 1)[1])

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def get(self, path):
        with urllib.request.urlopen(f"{self.base}/admin/{path}", timeout=60) as answer:
            return json.load(answer)

    def post(self, path, **fields):
        with urllib.request.urlopen(f"{self.base}/admin/{path}", json.dumps(fields).encode(), timeout=60) as answer:
            return json.load(answer)

    def wait(self, command, count=1, what="received"):
        self.get(f"wait?command={command}&count={count}&what={what}&timeout-ms=30000")

    def executed(self, command):
        return self.get("log")["executed"].get(command, 0)

    def disks(self):
        return self.post("disk", action="list")["disks"]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Appliance:
    def __init__(self, simulator, images, directory):
        self.directory = directory
        self.kernel = os.path.join(images, "vmlinuz")
        self.simulator = Simulator(simulator, directory)
        self.tokens = 0
        self.guest = None
        try:
            self.make_root(os.path.join(images, "root.ext4"))
        except Exception:
            self.stop()
            raise

    def make_root(self, image):
        """A copy of the image, with the files that an administrator would write."""
        root = os.path.join(self.directory, "root.ext4")
        subprocess.run(["cp", "--sparse=always", image, root], check=True)
        self.put(root, "/etc/migratekit/volumed.conf.d/system-test.conf",
                 CONFIG.format(port=self.simulator.port, oma=OMA), 0o644)
        # the one as systemd's credential; the other as a file, which can change while the daemon runs
        self.debugfs(root, "mkdir /etc/credstore")
        self.put(root, "/etc/credstore/migratekit.cloudstack-api-key", API_KEY, 0o600)
        self.put(root, "/etc/migratekit/secret-key", SECRET, 0o600)
        passwd = self.debugfs(root, "cat /etc/passwd")
        owner = next(line.split(":")[2] for line in passwd.splitlines() if line.startswith("migratekit:"))
        self.debugfs(root, f"set_inode_field /etc/migratekit/secret-key uid {owner}")

    @staticmethod
    def debugfs(image, command):
        return subprocess.run(["debugfs", "-w", "-R", command, image], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout

    def put(self, image, path, text, mode):
        source = os.path.join(self.directory, "put")
        with open(source, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(source, mode)
        self.debugfs(image, f"write {source} {path}")
        os.unlink(source)

    def boot(self, disks=()):
        self.guest = Guest(self.directory, self.kernel, disks)
        self.guest.wait_ready()

    def stop(self):
        if self.guest:
            self.guest.kill()
        self.simulator.stop()

    def save_logs(self, target):
        os.makedirs(target, exist_ok=True)
        for name in ("console", "qemu.log", "simulator.log"):
            if os.path.exists(os.path.join(self.directory, name)):
                shutil.copy(os.path.join(self.directory, name), target)

    # --- in the guest ---

    # a question over the bus and over the socket
    ways = [f"busctl --timeout=60 {w} get-property {NAME} {MANAGER} {NAME} OMA" for w in ("", f"--address={SOCKET}")]

    def run(self, script, limit=120):
        return self.guest.run(script, limit)

    def until(self, condition):
        """Until a command succeeds."""
        self.run(f"timeout 60 bash -c {shlex.quote(f'until {condition}; do sleep 0.2; done')}")

    def as_user(self, user, script, limit=120):
        return self.run(f"setpriv --reuid={user} --regid={user} --init-groups bash -e -c {shlex.quote(script)}", limit)

    def property(self, name):
        return self.run(f"systemctl show -P {name} {UNIT}")

    def pid(self):
        return self.property("MainPID")

    def restarts(self):
        return int(self.property("NRestarts"))

    def wait_serving(self):
        """Until the daemon answers; D-Bus activation waits, so nothing here does."""
        self.run(f"busctl --timeout=60 get-property {NAME} {MANAGER} {NAME} OMA")

    def get(self, name):
        """A property of the manager, as busctl prints it."""
        return self.run(f"busctl get-property {NAME} {MANAGER} {NAME} {name}")

    def wait_for(self, name, text):
        """Until a property of the manager has this text in it."""
        self.until(f"busctl get-property {NAME} {MANAGER} {NAME} {name} | grep -qF -- {shlex.quote(text)}")

    def restart_checked(self):
        """Restarts the daemon, until it has looked whether this is the configured VM and found that it is."""
        self.run(f"systemctl restart {UNIT}")
        self.until(f"journalctl -q _PID={self.pid()} -o cat | grep -q '^CloudStack knows the appliance'")

    # --- over D-Bus ---

    @staticmethod
    def call_words(interface, method, signature, arguments, path=MANAGER, busctl="busctl"):
        words = [*busctl.split(), "--json=short", "--timeout=70", "call", NAME, path, interface, method]
        if signature:
            words += [signature, *map(str, arguments)]
        return shlex.join(words)

    def call(self, method, signature="", *arguments, interface=NAME, user=None, busctl="busctl"):
        """The values that the call returns."""
        script = self.call_words(interface, method, signature, arguments, busctl=busctl)
        text = self.as_user(user, script) if user else self.run(script)
        return json.loads(text)["data"] if text else []

    def begin(self, method, signature, *arguments, interface=NAME, options=(), user=None, busctl="busctl"):
        """Begins an operation; its token."""
        self.tokens += 1
        token = f"t{self.tokens}"
        options = ["token", "s", token, *options]
        self.call(method, signature + "a{sv}", *arguments, len(options) // 3, *options, interface=interface, user=user,
                  busctl=busctl)
        return token

    def wait(self, token):
        """Its result: {KEY: value}. What it failed of is a Failed."""
        script = self.call_words(f"{NAME}.Operation", "Wait", "t", [OPERATION_LIMIT * 1000000], f"{MANAGER}/operation/{token}")
        state, result = json.loads(self.run(script))["data"]
        if state != "succeeded":
            raise AssertionError(f"operation {token}: {state}")
        return {k: v["data"] for k, v in result.items()}

    def do(self, method, signature, *arguments, **more):
        return self.wait(self.begin(method, signature, *arguments, **more))

    def fails_as(self, error, token, *words):
        """The operation must fail with this error, and these words in its message."""
        self.fails(lambda: self.wait(token), *words)
        name = self.run(f"busctl get-property {NAME} {MANAGER}/operation/{token} {NAME}.Operation Error")
        assert name == f's "{NAME}.Error.{error}"', name

    def fails(self, what, *words):
        """It must fail with these words in its message."""
        try:
            what()
        except Failed as e:
            missing = [w for w in words if w not in str(e)]
            if missing:
                raise AssertionError(f"no {missing} in: {e}") from None
            return str(e)
        raise AssertionError(f"should have failed with {words}")

    # --- volumes ---

    def create(self, name, size=GIB, cls="oma", **more):
        return self.do("CreateVolume", "sst", cls, name, size, **more)["Volume"]

    def attach(self, volume, cls="oma", **more):
        """Its device's node, looked at from outside the daemon too."""
        device = self.do("AttachVolume", "sss", cls, volume, "", **more)["Device"]
        self.check_identity(volume, device)
        return device

    def detach(self, volume, **more):
        self.do("DetachVolume", "s", volume, **more)

    def delete(self, volume, **more):
        self.do("DeleteVolume", "s", volume, **more)

    def device(self, volume):
        return self.call("GetDevice", "s", volume)[0]["Device"]["data"]

    def check_identity(self, volume, device):
        """udev's word: the serial is the volume's, and there is no other such disk."""
        serial = volume.replace("-", "")[:20]
        found = self.run(f"""for d in /sys/block/*; do
            n=/dev/${{d##*/}}
            udevadm info -q property "$n" | grep -qE '^ID_(SERIAL|SCSI_SERIAL)={serial}$' && echo "$n"
            done; true""").split()
        assert found == [device], f"the daemon says {device} of {volume}, udev says {found}"

    def write(self, volume, device):
        """A text that names the volume, seen from the hypervisor's side in that volume's file."""
        text = f"this is {volume}"
        self.run(f"printf %s '{text}' | dd of={device} bs=1M conv=notrunc,fsync status=none")
        with open(os.path.join(self.directory, f"{volume}.raw"), "rb") as f:
            assert f.read(len(text)).decode() == text, "it was written elsewhere"

    def check_content(self, volume, device):
        text = self.run(f"head -c 44 {device}")
        assert text == f"this is {volume}", f"{device} is not {volume}: {text!r}"

    def gone(self, device):
        self.run(f"test ! -e {device}")
