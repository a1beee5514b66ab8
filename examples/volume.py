#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a volume on the appliance, and drops it again. Needs python3-dbus.

    volume.py new NAME GIB     create and attach it: prints its id and its device
    volume.py drop UUID        detach and delete it
"""
import re
import sys

import dbus

NAME = 'org.migratekit.Volume1'
BUS = dbus.SystemBus()
MANAGER = dbus.Interface(BUS.get_object(NAME, '/org/migratekit/Volume1'), NAME)


def options(**pairs):
    return dbus.Dictionary(pairs, signature='sv')


def finish(path):
    """The operation's result. dbus-python gives up a call after 25 s: less is waited for at a time."""
    operation = dbus.Interface(BUS.get_object(NAME, path), NAME + '.Operation')
    while True:
        state, result = operation.Wait(dbus.UInt64(20_000_000))
        if state == 'succeeded':
            return result


def new(name, gib):
    # the token is the operation's id: when this program is run again, it makes no second volume
    token = re.sub('[^A-Za-z0-9]', '_', name)[:56]
    made = finish(MANAGER.CreateVolume('oma', name, dbus.UInt64(int(gib) << 30),
                                       options(token=token + '_create')))
    attached = finish(MANAGER.AttachVolume('oma', made['Volume'], '', options(token=token + '_attach')))
    print(made['Volume'], attached['Device'])


def drop(volume):
    finish(MANAGER.DetachVolume(volume, options()))  # the error InUse while it is mounted
    finish(MANAGER.DeleteVolume(volume, options()))
    print('dropped', volume)


try:
    {'new': new, 'drop': drop}[sys.argv[1]](*sys.argv[2:])
except (IndexError, KeyError, TypeError):
    sys.exit(__doc__)
except dbus.DBusException as e:
    sys.exit(f'{e.get_dbus_name()}: {e.get_dbus_message()}')
