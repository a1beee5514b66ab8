# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts QEMU with the guest of the system test, and talks to QEMU's monitor and to the agent in the guest."""
import base64
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import time

OMA = "11111111-1111-4111-8111-111111111111"
BOOT_LIMIT = 240
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Channel:
    """Lines over a socket that QEMU listens at."""

    def __init__(self, path, alive):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if not alive() or time.monotonic() > deadline:
                    raise RuntimeError("QEMU did not start") from None
                time.sleep(0.02)
        self.data = b""

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def line(self, limit):
        deadline = time.monotonic() + limit
        while b"\n" not in self.data:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError(f"no answer for {limit} s")
            more = self.socket.recv(1 << 16)
            if not more:
                raise RuntimeError("QEMU has ended")
            self.data += more
        line, self.data = self.data.split(b"\n", 1)
        return line.decode()


class Failed(Exception):
    """A script in the guest ended with an error; the text is what it wrote."""


class Guest:
    """
    Boots it. QMP at DIRECTORY/qmp is left to the simulator. disks: rows of the simulator's /admin/disk list, to be
    there from the start, at PCI slots (or, of scsi ones, in the order) of the list.
    """

    FIRST_SLOT = 0x10

    def __init__(self, directory, kernel, disks=()):
        self.directory = directory
        self.number = 0
        for name in ("qmp", "own-qmp", "agent"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        with open(self.path("qemu.log"), "wb") as log:
            self.process = subprocess.Popen(self.arguments(kernel, disks), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=die_with_parent)
        try:
            self.monitor = Channel(self.path("own-qmp"), self.alive)
            self.agent = Channel(self.path("agent"), self.alive)
            self.monitor.line(20)
            self.qmp("qmp_capabilities")
        except Exception:
            self.kill()
            raise

    def path(self, name):
        return os.path.join(self.directory, name)

    def alive(self):
        return self.process.poll() is None

    def arguments(self, kernel, disks):
        """pc: CloudStack's machine. KVM is not asked for: TCG runs everywhere, and the same everywhere."""
        a = ["nice", "-n", "10", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
             "-machine", "pc", "-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max", "-smp", "2", "-m", "512",
             "-uuid", OMA, "-no-reboot", "-kernel", kernel,
             "-append", "console=ttyS0 quiet panic=-1 root=/dev/nvme0n1 rw",
             "-chardev", f"file,id=console,path={self.path('console')},append=on", "-serial", "chardev:console",
             "-drive", f"if=none,id=root,format=raw,cache=unsafe,file={self.path('root.ext4')}",
             "-device", "nvme,drive=root,serial=root",
             "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
             "-device", "virtio-scsi-pci,id=scsi0", "-device", "virtio-serial-pci,id=serial0",
             "-chardev", f"socket,id=agent,path={self.path('agent')},server=on,wait=off",
             "-device", "virtserialport,bus=serial0.0,chardev=agent,name=agent"]
        for name in ("qmp", "own-qmp"):
            a += ["-chardev", f"socket,id={name},path={self.path(name)},server=on,wait=off",
                  "-mon", f"chardev={name},mode=control"]
        for i, disk in enumerate(disks):
            device = {k: v for k, v in disk.items() if k not in ("volume", "file", "size")}
            if device["driver"] == "virtio-blk-pci":
                device["addr"] = hex(self.FIRST_SLOT + i)
            storage = {"driver": "file", "filename": disk["file"], "node-name": disk["id"] + "-file"}
            shape = {"driver": "raw", "file": storage["node-name"], "node-name": disk["id"] + "-raw"}
            a += ["-blockdev", json.dumps(storage), "-blockdev", json.dumps(shape), "-device", json.dumps(device)]
        return a

    def qmp(self, command, **arguments):
        self.monitor.send(json.dumps({"execute": command, "arguments": arguments}))
        while True:
            answer = json.loads(self.monitor.line(30))
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def console(self):
        with open(self.path("console"), errors="replace") as f:
            return f.read()

    def wait_ready(self):
        if not self.agent.line(BOOT_LIMIT).startswith("ready"):
            raise RuntimeError("the agent says nonsense")

    def send(self, script):
        self.number += 1
        text = base64.b64encode(f"set -e -o pipefail\n{script}".encode()).decode()
        self.agent.send(f"{self.number} {text}")

    def run(self, script, limit=120):
        """What the bash script wrote. It runs as root under set -e."""
        self.send(script)
        number = 0
        while number != self.number:  # what an earlier call did not wait for is skipped
            number, status, output = (self.agent.line(limit).split(" ") + [""])[:3]
            number = int(number)
        output = base64.b64decode(output).decode(errors="replace").rstrip("\n")
        if status != "0":
            raise Failed(output)
        return output

    def power_off(self):
        """As an administrator does it. The agent may end before it has answered."""
        self.send("systemctl poweroff --no-block")
        self.process.wait(120)

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()
