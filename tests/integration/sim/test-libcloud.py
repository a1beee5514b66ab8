# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-libcloud.py SIMULATOR: proves that a client that is not part of this project works with the simulator as with
# CloudStack: the CloudStack driver of Apache Libcloud. The driver signs requests, follows jobs, and understands the
# answers. Prints TAP.
import subprocess
import sys
import urllib.parse

from libcloud.common.types import InvalidCredsError, ProviderError
from libcloud.compute.base import Node
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider, StorageVolumeState

API_KEY = "mK7-demoKey_0123456789abcdefABCDEF"
SECRET = "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop"
OMA = "11111111-1111-4111-8111-111111111111"
GIB = 1 << 30
NAME = "Disk A+b (50%) Été ~ 磁盘"


def connect(url, secret=SECRET):
    u = urllib.parse.urlparse(url)
    driver = get_driver(Provider.CLOUDSTACK)(
        key=API_KEY, secret=secret, secure=False, host=u.hostname, port=u.port, path=u.path)
    driver.connection.poll_interval = 0.01
    return driver


def find(driver, volume):
    found = [v for v in driver.list_volumes() if v.id == volume.id]
    return found[0] if found else None


class Tests:
    """In the order of their definition; what one makes the next one uses."""

    def __init__(self, url):
        self.url = url
        self.driver = connect(url)
        self.oma = Node(id=OMA, name="oma", state=None, public_ips=[], private_ips=[], driver=self.driver)

    def test_wrong_secret(self):
        try:
            connect(self.url, SECRET + "x").list_locations()
        except InvalidCredsError:
            return
        raise AssertionError("a wrong secret was taken")

    def test_zones(self):
        zones = self.driver.list_locations()
        assert len(zones) == 1 and zones[0].id, zones

    def test_offerings(self):
        offerings = self.driver.ex_list_disk_offerings()
        assert any(o.customizable for o in offerings), offerings
        assert any(not o.customizable and o.size == 5 for o in offerings), offerings
        assert self.driver.list_sizes() and self.driver.list_images()

    def test_create(self):
        # "~" and brackets: libcloud signs them in another way than CloudStack does
        self.volume = self.driver.create_volume(7, NAME.replace("~", "-"), ex_volume_type="Custom")
        volume = find(self.driver, self.volume)
        assert volume.size == 7 * GIB, volume.size
        assert volume.name == NAME.replace("~", "-"), volume.name
        assert volume.extra["state"] == "Allocated", volume.extra

    def test_tilde(self):
        try:
            self.driver.create_volume(7, NAME, ex_volume_type="Custom")
        except InvalidCredsError:
            return
        raise AssertionError("libcloud's signature of a tilde was taken: Java's differs")

    def test_attach(self):
        assert self.driver.attach_volume(self.oma, self.volume)
        volume = find(self.driver, self.volume)
        assert volume.extra["instance_id"] == OMA, volume.extra
        assert volume.state == StorageVolumeState.INUSE, volume.state
        assert volume.id in [v.id for v in self.driver.list_volumes(node=self.oma)]

    def test_attach_again(self):
        try:
            self.driver.attach_volume(self.oma, self.volume)
        except Exception as e:  # libcloud raises no other for a failed job
            assert str(e) == "Please specify a volume that is not attached to any VM.", e
            return
        raise AssertionError("attached twice")

    def test_destroy_attached(self):
        try:
            self.driver.destroy_volume(self.volume)
        except ProviderError as e:
            assert e.http_code == 431, e
            assert e.value == "Please specify a volume that is not attached to any VM.", e
            return
        raise AssertionError("an attached volume was deleted")

    def test_snapshots(self):
        # two: the driver does not understand a list without a row
        first, second = (self.driver.create_volume_snapshot(self.volume, name=n) for n in ("1", "2"))
        assert {first.id, second.id} <= {s.id for s in self.driver.list_snapshots()}
        assert self.driver.destroy_volume_snapshot(first)
        assert first.id not in {s.id for s in self.driver.list_snapshots()}
        assert self.driver.destroy_volume_snapshot(second)

    def test_tags(self):
        assert self.driver.ex_create_tags([self.volume.id], "Volume", {"migratekit:owner": "me"})
        assert find(self.driver, self.volume).extra["tags"] == {"migratekit:owner": "me"}
        assert self.driver.ex_delete_tags([self.volume.id], "Volume", ["migratekit:owner"])
        assert find(self.driver, self.volume).extra["tags"] == {}

    def test_detach(self):
        assert self.driver.detach_volume(self.volume)
        assert find(self.driver, self.volume).extra["instance_id"] is None

    def test_destroy(self):
        assert self.driver.destroy_volume(self.volume)
        assert find(self.driver, self.volume) is None


def run(url):
    tests = Tests(url)
    names = [n for n in Tests.__dict__ if n.startswith("test_")]
    print(f"1..{len(names)}")
    failed = 0
    for i, name in enumerate(names, 1):
        why = None
        try:
            getattr(tests, name)()
        except Exception as e:
            why = repr(e)
        print(f"{'not ' if why else ''}ok {i} - libcloud: {name[5:].replace('_', '-')}")
        if why:
            failed += 1
            print(f"# {why}")
    return failed


def main():
    sim = subprocess.Popen([sys.argv[1], "--set=queue-ms=100", "--set=job-ms=5"], stdout=subprocess.PIPE, text=True)
    try:
        line = sim.stdout.readline().split()
        failed = run(line[1]) if line[:1] == ["ready"] else 1
    finally:
        sim.terminate()
        status = sim.wait()
    if status != 0:
        print(f"# the simulator ended with {status}")
    return 1 if failed or status else 0


sys.exit(main())
