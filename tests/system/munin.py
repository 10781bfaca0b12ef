"""Debian's Munin: plugins by munin-run, and a master that draws pictures."""

import os
import pathlib
import pwd
import subprocess

from daemon import BUILD

PLUGINS = ("virtual_servers", "real_servers", "health", "agent")


class Node:
    """What munin-node has of one director in a folder of its own."""

    def __init__(self, folder, snmp_port, settings=""):
        self.folder = pathlib.Path(folder)
        self.plugins = self.folder / "plugins"
        self.host = f"127.0.0.1:{snmp_port}"
        for part in ("plugins", "conf.d", "state", "log"):
            (self.folder / part).mkdir(parents=True)
        for plugin in PLUGINS:
            self.link(plugin, plugin)
        (self.folder / "conf.d" / "noria").write_text(
            f"[snmp_*]\nuser root\nenv.version 2\nenv.community public\nenv.timeout 10\n{settings}")
        self.config = self.folder / "munin-node.conf"

    def link(self, plugin, name):
        target = BUILD.resolve() / "munin" / f"snmp__noria_{plugin}"
        (self.plugins / self.name(name)).symlink_to(target)

    def name(self, plugin):
        return f"snmp_{self.host}_noria_{plugin}"

    def configure(self, port):
        self.config.write_text(f"""log_file {self.folder}/log/node
pid_file {self.folder}/node.pid
background 0
setsid 0
user root
group root
host 127.0.0.1
port {port}
allow ^127\\.0\\.0\\.1$
host_name node
""")
        return self

    def mount(self):
        """munin-node looks in one place only; that is ours until unmount()."""
        for folder, place in self.mounts():
            subprocess.run(["mount", "--bind", folder, place], check=True)
        return self

    def unmount(self):
        for _, place in self.mounts():
            subprocess.run(["umount", place], check=True)

    def mounts(self):
        return ((self.plugins, "/etc/munin/plugins"),
                (self.folder / "conf.d", "/etc/munin/plugin-conf.d"))

    def run(self, plugin, mode=""):
        """What munin-run shows of a plugin."""
        done = subprocess.run(
            ["munin-run", "--config", self.config, "--servicedir", self.plugins, "--sconfdir",
             self.folder / "conf.d", self.name(plugin), *([mode] if mode else [])],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "MUNIN_PLUGSTATE": str(self.folder / "state")})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fields(self, plugin, mode=""):
        """{graph: {attribute: value}}"""
        graphs, graph = {}, None
        for line in self.run(plugin, mode).splitlines():
            word, _, rest = line.partition(" ")
            if word == "multigraph":
                graph = graphs.setdefault(rest, {})
            elif line:
                graph[word] = rest
        return graphs


class Master:
    """What munin-cron runs, as the user munin."""

    def __init__(self, folder, node_port):
        self.folder = pathlib.Path(folder)
        self.user = pwd.getpwnam("munin")
        for part in ("db", "html", "log", "run"):
            (self.folder / part).mkdir(parents=True)
            os.chown(self.folder / part, self.user.pw_uid, self.user.pw_gid)
        self.folder.chmod(0o755)
        self.config = self.folder / "munin.conf"
        self.config.write_text(f"""dbdir {self.folder}/db
htmldir {self.folder}/html
logdir {self.folder}/log
rundir {self.folder}/run
graph_strategy cron
html_strategy cron
[127.0.0.1]
  address 127.0.0.1
  port {node_port}
  use_node_name no
""")

    def call(self, program, *options):
        done = subprocess.run([f"/usr/share/munin/{program}", "--config", self.config, *options],
                              user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[],
                              capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
