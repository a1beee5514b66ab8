# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-rooms.py SRCDIR BUILDDIR: proves that the tree keeps to the table doc/rooms, and that build-aux/rooms finds each
kind of mistake in a copy of the tree. Prints TAP."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

SRC, BUILD = sys.argv[1:3]
LICENCE = '/* SPDX-License-Identifier: LGPL-2.1-or-later */\n'


class Problem(Exception):
    pass


def rooms(*args):
    """What it prints; its exit code must say whether that is anything."""
    p = subprocess.run([f'{SRC}/build-aux/rooms', *args], capture_output=True, text=True, check=False)
    if p.stderr or p.returncode not in (0, 1) or (p.returncode == 1) != bool(p.stdout):
        raise Problem(f'rooms {args}: exit code {p.returncode}\n{p.stdout}{p.stderr}')
    return p.stdout.splitlines()


class Copy:
    """The tree's C files, table and picture in a folder of their own, to make mistakes in."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp()
        for path in ('doc/rooms', 'doc/rooms.svg', *self.sources()):
            self.copy(SRC, path)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def sources(self):
        for tree in ('include', 'src', 'plugins', 'sim', 'tests', 'bench', 'examples'):
            for suffix in 'ch':
                yield from glob.glob(f'{tree}/**/*.{suffix}', root_dir=SRC, recursive=True)

    def copy(self, top, path):
        os.makedirs(os.path.dirname(f'{self.dir}/{path}'), exist_ok=True)
        shutil.copyfile(f'{top}/{path}', f'{self.dir}/{path}')

    def include(self, path, name):
        """The file includes one header more, at its end."""
        with open(f'{self.dir}/{path}', 'a', encoding='utf-8') as f:
            f.write(f'#include {name}\n')

    def write(self, path, text=LICENCE):
        with open(f'{self.dir}/{path}', 'w', encoding='utf-8') as f:
            f.write(text)

    def edit_table(self, before, after):
        with open(f'{self.dir}/doc/rooms', encoding='utf-8') as f:
            table = f.read()
        if table.count(before) != 1:
            raise Problem(f'{before!r} is not once in doc/rooms')
        self.write('doc/rooms', table.replace(before, after))

    def finds(self, *wanted, args=('check',)):
        """Exactly these mistakes are found: parts of the lines."""
        found = rooms(args[0], self.dir, *args[1:])
        if len(found) != len(wanted) or not all(w in f for w, f in zip(wanted, found)):
            raise Problem(f'wanted: {wanted}\nfound: {found}')


def row(name):
    """The row of a room, up to its doors."""
    with open(f'{SRC}/doc/rooms', encoding='utf-8') as f:
        return next(line for line in f if line.split('|')[0].strip() == name)


def test_tree():
    if found := rooms('check', SRC):
        raise Problem('\n'.join(found))


def test_symbols():
    if found := rooms('symbols', SRC, BUILD):
        raise Problem('\n'.join(found))


def test_copy():
    """What the others plant their mistakes in has none."""
    with Copy() as copy:
        copy.finds()


def test_arrow():
    with Copy() as copy:
        copy.include('src/store/record.c', '"bus/bus.h"')
        copy.finds('src/store may not use src/bus')


def test_arrow_upwards():
    with Copy() as copy:
        copy.include('src/base/util.c', '"daemon/daemon.h"')
        copy.finds('src/base may not use src/daemon')


def test_internal_header():
    with Copy() as copy:
        copy.include('src/engine/ask.c', '"cloudstack/cloudstack-internal.h"')
        copy.finds('cloudstack-internal.h is no door of src/cloudstack')


def test_internal_header_in_a_test():
    with Copy() as copy:
        copy.include('tests/unit/store/test-store.c', '"device/device-internal.h"')
        copy.include('tests/unit/store/test-store.c', '"store/schema-internal.h"')  # it is that room's test
        copy.finds('device-internal.h is no door of src/device')


def test_plugin():
    with Copy() as copy:
        copy.include('plugins/oma/oma.c', '"base/base.h"')
        copy.include('plugins/oma/oma.c', '"failover/failover-internal.h"')
        copy.include('src/base/util.c', '"steps/steps.h"')
        copy.finds('plugins/oma may not use src/base', 'plugins/oma may not use plugins/failover',
                   'src/base may not use plugins/steps')


def test_public_header():
    with Copy() as copy:
        copy.include('src/store/store.c', '<migratekit/volume-plugin.h>')
        copy.finds('src/store may not use include/migratekit')


def test_circle_of_rooms():
    with Copy() as copy:
        copy.edit_table(row('src/store'), row('src/store').replace('src/base', 'src/base src/engine', 1))
        copy.finds('a circle of rooms: src/engine src/store src/volume')


def test_own_header():
    with Copy() as copy:
        copy.include('src/bus/call.c', '"bus/bus.h"')
        copy.finds('is in the same room: write "bus.h"')


def test_no_header():
    with Copy() as copy:
        copy.include('src/bus/call.c', '"util.h"')
        copy.finds('"util.h" is nowhere in the tree')


def test_brackets():
    """They hide nothing."""
    with Copy() as copy:
        copy.include('src/store/record.c', '<bus/bus.h>')
        copy.include('src/store/record.c', '<string.h>')
        copy.finds('<bus/bus.h> is of this tree: write "bus/bus.h"', 'src/store may not use src/bus')


def test_no_room():
    with Copy() as copy:
        copy.write('src/new.c')
        copy.finds('src/new.c: is in no room')


def test_header_names():
    with Copy() as copy:
        copy.write('src/bus/extra.h')
        copy.finds('src/bus/extra.h: a header that is no door ends in -internal.h')
        os.rename(f'{copy.dir}/src/bus/extra.h', f'{copy.dir}/plugins/oma/extra.h')
        copy.finds('plugins/oma/extra.h: a header that is no door ends in -internal.h')


def test_file_names():
    with Copy() as copy:
        copy.write('src/store/call.c')
        copy.finds('src/store/call.c: has the name of src/bus/call.c')


def test_table():
    with Copy() as copy:
        copy.edit_table('bus.h access.h', 'bus.h window.h')
        copy.edit_table(row('src/store'), row('src/store').replace('src/base', 'src/cellar'))
        copy.edit_table(row('bench'), row('bench').replace('bench', 'bunch'))
        os.remove(f'{copy.dir}/bench/bench.c')
        os.remove(f'{copy.dir}/bench/echo.c')
        found = rooms('check', copy.dir)
        for wanted in ('src/bus has no door window.h', 'there is no room src/cellar', 'no C file is in bunch',
                       'src/store may not use src/base'):
            if not any(wanted in f for f in found):
                raise Problem(f'{wanted!r} is not in {found}')


def test_picture():
    with Copy() as copy:
        copy.edit_table('volumed.conf, checked', 'volumed.conf')
        copy.finds('doc/rooms.svg: not as doc/rooms has it')
        rooms('draw', copy.dir)
        copy.finds()


def build(copy, path, code):
    """An object in the place of that file's."""
    folder, name = os.path.split(path)
    subprocess.run(['cc', '-x', 'c', '-c', '-o', f'{copy.dir}/{folder}/.libs/libvolumed_la-{name[:-2]}.o', '-'],
                   input=code, text=True, check=True)


def objects(copy):
    for pattern in ('src/*/.libs/*.o', 'src/*/*.o', 'sim/*/.libs/*.o', 'sim/*/*.o', 'sim/*.o'):
        for path in glob.glob(pattern, root_dir=BUILD):
            copy.copy(BUILD, path)


def test_symbol_arrow():
    """A function of a room that is not to be used, whatever the includes say."""
    with Copy() as copy:
        objects(copy)
        build(copy, 'src/device/users.c', 'void mk_bus_flush(void); void f(void) { mk_bus_flush(); }')
        copy.finds('src/device/users.c: calls src/bus/bus.c: src/device may not use src/bus',
                   args=('symbols', copy.dir))


def test_symbol_circle():
    with Copy() as copy:
        objects(copy)
        build(copy, 'src/volume/correlate.c',
              'void mk_volumes_recheck(void); void mk_correlate(void) { mk_volumes_recheck(); }')
        copy.finds('src/volume: files call each other in a circle: src/volume/correlate.c src/volume/proof.c',
                   args=('symbols', copy.dir))


def test_symbol_knot():
    with Copy() as copy:
        objects(copy)
        copy.edit_table(row('src/volume'), row('src/volume').replace('|      |', '| yes  |'))
        copy.finds('src/volume has no knot', args=('symbols', copy.dir))


def main():
    tests = [(n[5:], f) for n, f in globals().items() if n.startswith('test_')]
    failed = False
    print(f'1..{len(tests)}')
    for i, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f'ok {i} - rooms: {name}')
        except Problem as e:
            failed = True
            print(f'not ok {i} - rooms: {name}')
            print('\n'.join(f'# {line}' for line in str(e).splitlines()))
    return failed


sys.exit(main())
