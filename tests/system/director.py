"""What tests of directors send, and the namespaces they run in."""

import subprocess

DIRECTORS = "urn:noria:yang:noria-director"


def directors(content):
    """directors around some director elements."""
    return f'<directors xmlns="{DIRECTORS}">{content}</directors>'


def director(name, namespace=None, content="", operation=None):
    """One director element."""
    attribute = f' nc:operation="{operation}"' if operation else ""
    where = f"<network-namespace>{namespace}</network-namespace>" if namespace else ""
    return f"<director{attribute}><name>{name}</name>{where}{content}</director>"


def of(name, leaf):
    """Where a leaf of a director is, for Session.get()."""
    return f"directors/director[name='{name}']/{leaf}"


def run(*words, namespace=None):
    """What a command says, run in a namespace."""
    where = ["ip", "netns", "exec", namespace] if namespace else []
    return subprocess.run([*where, *words], check=True, capture_output=True, text=True).stdout
