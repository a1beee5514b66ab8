# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-manuals.py SRCDIR BUILDDIR: proves that the manuals and README.md agree with the program: options, keys,
defaults, members, errors, rights and API commands. Prints TAP."""
import glob
import os
import pwd
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

SRC, BUILD = sys.argv[1:3]
DAEMON = f'{BUILD}/migratekit-volumed'
MANUALS = ['migratekit-volumed.8', 'volumed.conf.5', 'org.migratekit.Volume1.5',
           'migratekit-volume-plugin.3']
CONFIG = '''[cloudstack]
url = http://127.0.0.1:9/client/api
api-key = A
secret-key = B
[appliance]
vm = 11111111-1111-4111-8111-111111111111
[plugins]
directory = {plugins}
'''
PLUGINS = ['oma', 'failover', 'test-vm']


class Problem(Exception):
    pass


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def page(name):
    return read(f'{BUILD}/doc/man/{name}')


def same(what, documented, real):
    documented, real = set(documented), set(real)
    if not real:
        raise Problem(f'{what}: there is nothing to compare with')
    if documented != real:
        raise Problem(f'{what}: not documented: {sorted(real - documented)}; '
                      f'documented and not there: {sorted(documented - real)}')


def items(text, macro):
    """The names in all `.It MACRO name` lines."""
    for line in re.findall(rf'^\.It {macro} (.*)$', text, re.M):
        yield re.split(r' (?:Pq|No|"|,)', line)[0].split()[0]


class Daemon:
    """The daemon's command line, with a configuration of this test's own."""

    def __init__(self, directory):
        self.config = f'{directory}/volumed.conf'
        plugins = f'{directory}/plugins'
        os.mkdir(plugins, 0o755)
        os.mkdir(f'{self.config}.d', 0o755)
        for name in PLUGINS:
            shutil.copyfile(f'{BUILD}/plugins/.libs/{name}.so', f'{plugins}/{name}.so')
            os.chmod(f'{plugins}/{name}.so', 0o644)
        with open(self.config, 'w', encoding='utf-8', opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(CONFIG.format(plugins=plugins))
        if os.geteuid() == 0 and any(user.pw_name == 'migratekit' for user in pwd.getpwall()):
            for path in (directory, self.config):  # root looks as that user
                shutil.chown(path, 'migratekit')
        self.environment = {k: v for k, v in os.environ.items()
                            if k not in ('CREDENTIALS_DIRECTORY', 'STATE_DIRECTORY')}

    def run(self, *arguments, status=0):
        p = subprocess.run([DAEMON, '-c', self.config, *arguments], capture_output=True, text=True,
                           env=self.environment, timeout=60, check=False)
        if p.returncode != status:
            raise Problem(f'{arguments} ended with {p.returncode}: {p.stdout}{p.stderr}')
        return p.stdout + p.stderr

    def keys(self):
        """{(group, key): value} in effect."""
        group, found = None, {}
        for line in self.run('--check-config').splitlines():
            if m := re.fullmatch(r'\[(.*)\]', line):
                group = m[1]
            elif m := re.match(r'([a-z-]+) ?= ?(.*)', line):
                found[group, m[1]] = m[2]
        return found

    def ranges(self):
        """{(group, key): 'A to B'}, from the complaints about a value that nothing can be."""
        drop_in = f'{self.config}.d/bad.conf'
        with open(drop_in, 'w', encoding='utf-8') as f:
            for group, key in self.keys():
                f.write(f'[{group}]\n{key} = *\n')
        complaints = self.run('--check-config', status=1)
        os.unlink(drop_in)
        return {(g, k): r for g, k, r in re.findall(
            r'\[([a-z]+)\] ([a-z-]+): "\*" is not a (?:number|time span) from (\S+ to [^\s;,]+)',
            complaints)}

    def describe(self):
        """{method: privilege} of all methods that callers see, and the operations of the manager."""
        found = {}
        for name in PLUGINS:
            text = self.run(f'--describe-plugin={name}')
            for method, privilege in re.findall(r'^(\w+)\(.*\n  \w+, privilege (\w+)', text, re.M):
                found[method] = privilege
        return found


def documented_keys():
    """{(group, key): (default, text)} of volumed.conf(5)."""
    found = {}
    for section in re.split(r'^\.Ss ', page('volumed.conf.5'), flags=re.M)[1:]:
        m = re.match(r'\[(.*)\]\n', section)
        if not m:
            continue
        for item in re.split(r'^\.It Cm ', section, flags=re.M)[1:]:
            names, text = item.split('\n', 1)
            names = names.split(' , ')
            text = text.split('\n.El')[0]
            default = re.search(r'^Default: (.*?)(?:, which.*)?[.;]$', text, re.M)
            default = default[1] if default else ''
            values = [default] if len(names) == 1 else default.split(', ')
            for i, name in enumerate(names):
                found[m[1], name] = (values[i] if i < len(values) else '', text)
    return found


def test_L38_keys(daemon):
    same('keys', documented_keys(), daemon.keys())


def test_L38_defaults(daemon):
    documented, real = documented_keys(), daemon.keys()
    given = {line.split(' = ')[0] for line in CONFIG.splitlines() if ' = ' in line}
    wrong = [f'{k}: {v!r}, not {documented[k][0]!r}' for k, v in real.items()
             if k[1] not in given and v != documented[k][0]]
    if wrong:
        raise Problem('; '.join(wrong))


def test_restart(_):
    real = re.findall(r'\{ "(\w+)", "([\w-]+)",.*\.restart = true', read(f'{SRC}/src/config/key.c'))
    same('keys fixed until a restart', [k for k, v in documented_keys().items() if '.Em restart' in v[1]], real)


def test_ranges(daemon):
    documented, real = documented_keys(), daemon.ranges()
    if len(real) < 15:
        raise Problem(f'only these keys have a range: {sorted(real)}')
    wrong = [f'{k}: {v}' for k, v in real.items() if v not in documented[k][1]]
    if wrong:
        raise Problem('; '.join(wrong))


def members(*tags):
    """(interface, name) of each member."""
    for path in glob.glob(f'{SRC}/dbus/*.xml'):
        for interface in ET.parse(path).iter('interface'):
            for tag in tags:
                yield from ((interface.get('name'), n.get('name')) for n in interface.iter(tag))


def test_interfaces(_):
    text = page('org.migratekit.Volume1.5').split('.Sh INTERFACES')[1].split('\n.Sh ')[0]
    names, texts = (re.split(r'^\.Ss Interface (.*)$', text, flags=re.M)[i::2] for i in (1, 2))
    same('interfaces', names, [name for _, name in members('interface')])
    for what, macro, tags in (('methods and signals', 'Fn', ('method', 'signal')),
                              ('properties', 'Va', ('property',))):
        same(what, [(n, i) for n, t in zip(names, texts) for i in items(t, macro)], members(*tags))


def promised(path):
    """The errors that the comments of an interface name."""
    lists = re.findall(r'(?:[Ee]rrors(?: of [a-z ]+)?|Of (?:the|all) operations?): ([^.]*)\.', read(path))
    for names in lists:
        yield from re.findall(r'\b[A-Z]\w+\b', re.sub(r'\([^()]*\)', '', names))


def sources(*folders):
    """The C files of these folders and of those in them; there must be some in each."""
    found = [glob.glob(f'{SRC}/{folder}/**/*.c', recursive=True) for folder in folders]
    if not all(found):
        raise Problem(f'no C files in one of {folders}')
    return sum(found, [])


def raised(folder):
    """The errors that the sources name."""
    for path in sources(folder):
        if not path.endswith('/base/error.c'):
            yield from re.findall(r'\bMK_ERROR_(?!NONE)\w+', read(path))


def test_errors(_):
    table = dict(re.findall(r'\[(MK_ERROR_\w+)\] = \w+ "(\w+)"', read(f'{SRC}/src/base/error.c')))
    same('errors that are raised', table, [*raised('src'), *raised('plugins')])
    text = page('org.migratekit.Volume1.5').split('.Sh ERROR NAMES')[1].split('\n.Sh ')[0]
    same('errors', (n for line in re.findall(r'^\.It Er (.*)$', text, re.M) for n in line.split(' , ')),
         table.values())
    # of any call to any bus service: no method promises them
    usual = ('UnknownObject', 'UnknownInterface', 'UnknownMethod', 'UnknownProperty', 'PropertyReadOnly',
             'InteractiveAuthorizationRequired')
    promises = {os.path.basename(path): set(promised(path)) for path in glob.glob(f'{SRC}/dbus/*.xml')}
    same('promises', set().union(*promises.values()) - {'Error', 'AttachVolume'},
         set(table.values()) - set(usual))
    for name, interfaces in (('failover', ['.Failover']), ('test-vm', ['.TestVM']), ('oma', ['', '.OMA'])):
        known = set().union(*(promises[f'org.migratekit.Volume1{i}.xml'] for i in interfaces))
        if unknown := {table[e] for e in raised(f'plugins/{name}')} - known:
            raise Problem(f'{name}: raised and not documented: {sorted(unknown)}')
    text = read(f'{SRC}/README.md').split('### When it fails')[1].split('\n#')[0]
    if unknown := set(re.findall(r'^\| (\w+) \|', text, re.M)) - set(table.values()):
        raise Problem(f'README: no errors: {sorted(unknown)}')


def test_privileges(daemon):
    text = page('org.migratekit.Volume1.5').split('.Ss Rights')[1].split('\n.S')[0]
    documented = {}
    for item in re.split(r'^\.It Li org\.migratekit\.volume1\.', text, flags=re.M)[1:]:
        action, rest = item.split('\n', 1)
        for line in re.findall(r'^\.Fn (.*)$', rest.split('\n.El')[0], re.M):
            documented |= {n: action for n in re.findall(r'\b[A-Z]\w+', line) if n != 'Fn'}
    public = {name for _, name in members('method')}
    real = {m: p for m, p in daemon.describe().items() if m in public and p != 'read'}
    documented = {m: p for m, p in documented.items() if p != 'read'}
    same('privileges', documented.items(), real.items())
    actions = re.findall(r'action id="org\.migratekit\.volume1\.(\w+)"',
                         read(f'{SRC}/dbus/org.migratekit.volume1.policy'))
    same('actions', re.findall(r'^\.It Li org\.migratekit\.volume1\.(\w+)', text, re.M), actions)


def test_options(daemon):
    text = page('migratekit-volumed.8').split('The options are:')[1].split('\n.El')[0]
    same('options', re.findall(r'\\-([a-z-]+)', text), re.findall(r'--([a-z-]+)', daemon.run('--help')))


def test_environment(_):
    text = page('migratekit-volumed.8').split('.Sh ENVIRONMENT')[1].split('\n.Sh ')[0]
    documented = {n for line in re.findall(r'^\.It Ev (.*)$', text, re.M) for n in line.split(' , ')}
    real = {n for path in sources('src')
            for n in re.findall(r'getenv\("(\w+)"\)', read(path))}
    if not real or real - documented:
        raise Problem(f'not documented: {sorted(real - documented)}')


def test_commands(_):
    """README's list of API commands is what the sources ask of CloudStack."""
    real = set()
    for path in sources('src', 'plugins'):
        if not path.endswith('/cloudstack/list.c'):  # names the lists that it can page through
            real |= set(re.findall(r'"((?:list|query|create|attach|detach|destroy|delete|stop|start|'
                                   r'revert|update|resize|expunge|recover)[A-Z]\w+)"', read(path)))
    text = read(f'{SRC}/README.md').split('It needs these API commands:')[1].split('**The configuration**')[0]
    same('commands', re.findall(r'\b[a-z]+[A-Z]\w+\b', text), real)


def test_limits(_):
    real = dict(re.findall(r'^#define MK_BUS_(\w+_MAX) +(\d+)u', read(f'{SRC}/src/bus/bus.h'), re.M))
    text = page('org.migratekit.Volume1.5').split('.Ss Limits')[1].split('\n.S')[0]
    wanted = {'HELD_PER_CALLER_MAX': '{}\nof one connection', 'HELD_PER_USER_MAX': '{}\nof one user',
              'HELD_MAX': '{}\nof all users but root', 'PEERS_PER_UID_MAX': '{} connections of one user',
              'PEERS_MAX': '{} of all users but root', 'TEXT_MAX': 'A text has up to {} bytes',
              'ARRAY_MAX': 'an array {} elements', 'ARRAY_TEXT_MAX': '{} bytes of text'}
    if wrong := [k for k, v in wanted.items() if v.format(real[k]) not in text]:
        raise Problem(f'not as in bus.h: {wrong}')


def test_L47_storage(_):
    """doc/storage.md has the tables and columns that the migrations lead to, and no others."""
    db = sqlite3.connect(':memory:')
    code = read(f'{SRC}/src/store/schema-internal.h')
    db.executescript(''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', code[code.index('migrations[]'):])))
    tables = [t for t, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    sections = dict(zip(*(iter(re.split(r'^## (.*)$', read(f'{SRC}/doc/storage.md'), flags=re.M)[1:]),) * 2))
    same('tables', sections, tables)
    for table in tables:
        columns = [row[1] for row in db.execute(f'PRAGMA table_info({table})')]
        rows = re.findall(r'^\| ([a-z_, ]+) \|', sections[table], flags=re.M)[1:]
        if rows:
            same(f'columns of {table}', [c for row in rows for c in row.split(', ')], columns)
        elif missing := [c for c in columns if not re.search(rf'\b{c}\b', sections[table])]:
            raise Problem(f'{table}: not documented: {missing}')


def test_lint(_):
    if not shutil.which('mandoc'):
        return 'mandoc is not installed'
    p = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning',
                        *(f'{BUILD}/doc/man/{m}' for m in MANUALS)],
                       capture_output=True, text=True, check=False)
    if p.returncode != 0:
        raise Problem(p.stdout + p.stderr)
    if left := [t for m in MANUALS for t in re.findall('@[a-z]+@', page(m))]:
        raise Problem(f'not replaced: {left}')
    return None


def main():
    tests = [(n[5:], f) for n, f in globals().items() if n.startswith('test_')]
    failed = False
    print(f'1..{len(tests)}')
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(directory)
        for i, (name, test) in enumerate(tests, 1):
            try:
                skipped = test(daemon)
                print(f'ok {i} - manuals: {name}{" # SKIP " + skipped if skipped else ""}')
            except Problem as e:
                failed = True
                print(f'not ok {i} - manuals: {name}')
                print('\n'.join(f'# {line}' for line in str(e).splitlines()))
    return failed


sys.exit(main())
