"""Make .venv with the locked environment. Runs on the system's Python, whatever its version; needs no package.

usage: python3 workflow/bootstrap.py
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(HERE, ".venv")
OLDEST, NEWEST = (3, 11), (3, 13)


def stop(text):
    sys.exit("nirls: " + text)


def other_python():
    """A suitable interpreter elsewhere on the PATH."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        name = "python3.%d" % minor
        try:
            with open(os.devnull, "w") as null:
                if subprocess.call([name, "-c", "import venv, ensurepip"], stdout=null, stderr=null) == 0:
                    return name
        except OSError:
            pass
    return None


def main():
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        name = other_python()
        if name is None:
            stop(
                "Python 3.11, 3.12 or 3.13 is needed, and %s is %s; install one, or name it: make report PYTHON=/path/to/python3.11"
                % (sys.executable, ".".join(map(str, sys.version_info[:3])))
            )
        os.execvp(name, [name] + sys.argv)
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        stop(
            "this Python (%s) has no 'venv' module; install it (Debian, Ubuntu: apt install python3-venv), "
            "or name another Python: make report PYTHON=/path/to/python3" % sys.executable
        )
    print("nirls: making the environment in .venv (once; about a minute, mostly downloads)", flush=True)
    venv.create(VENV, with_pip=True, clear=True)
    python = os.path.join(VENV, "bin", "python")
    quiet = ["--quiet", "--disable-pip-version-check"]
    run([python, "-m", "pip", "install", *quiet, "--require-hashes", "-r", os.path.join(HERE, "workflow", "uv.lock.txt")])
    uv = [os.path.join(VENV, "bin", "uv"), "pip", "install", "--quiet", "--python", python]
    run([*uv, "--require-hashes", "-r", os.path.join(HERE, "requirements.lock")])
    run([*uv, "--no-deps", "--no-build-isolation", "--editable", HERE])


def run(command):
    code = subprocess.call(command)
    if code:
        stop("the environment could not be made: this command failed with exit code %d:\n  %s" % (code, " ".join(command)))


if __name__ == "__main__":
    main()
