"""The command line: help, version, check, and what is wrong."""

import subprocess

import pytest

from daemon import BUILD, SOURCE, YANG_DIRS


def noriad(*arguments):
    return subprocess.run([BUILD / "noriad", *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


def test_help_names_every_option():
    done = noriad("--help")
    assert done.returncode == 0
    for option in ("--config", "--state-dir", "--run-dir", "--yang-dirs", "--check", "--log-level",
                   "--debug", "--version"):
        assert option in done.stdout


def test_version():
    assert noriad("--version").stdout.startswith("noriad 0.")


@pytest.mark.parametrize("arguments", [["--bogus"], ["word"], ["-l", "loud"], ["-d", "nothing"]])
def test_a_wrong_command_line_ends_with_2_and_says_why(arguments):
    done = noriad(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(("noriad: ", str(BUILD / "noriad")))


def test_check_accepts_the_sample_configuration():
    done = noriad("--check", "-c", SOURCE / "dist" / "noria.xml", "--yang-dirs", YANG_DIRS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("is valid\n")


BAD = {
    "not XML": ("<a", ""),
    "value": ('<snmp-agent xmlns="urn:noria:yang:noria-agent"><listen><name>a</name>'
              "<address>nowhere</address></listen></snmp-agent>", "/address"),
    "missing": ('<snmp-agent xmlns="urn:noria:yang:noria-agent"><listen><name>a</name>'
                "</listen></snmp-agent>", "/listen[name='a']/address"),
    "absent file": (None, "No such file"),
}


@pytest.mark.parametrize("case", BAD)
def test_check_says_what_is_wrong(tmp_path, case):
    text, expected = BAD[case]
    path = tmp_path / "noria.xml"
    if text is not None:
        path.write_text(text)
    done = noriad("--check", "-c", path, "--yang-dirs", YANG_DIRS)
    assert done.returncode == 1
    assert expected in done.stderr and str(path) in done.stderr
