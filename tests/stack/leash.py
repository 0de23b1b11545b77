"""`python leash.py PARENT USER COMMAND…`: becomes the command, which the kernel kills when whoever started it dies, however that dies.

PARENT is the process id of whoever starts it. USER is who it runs as, or empty for the same user. Only Linux has such a leash;
elsewhere the command just runs.
"""

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)

_, parent, user, *command = sys.argv
if user:
    account = pwd.getpwnam(user)
    os.initgroups(user, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)  # before the leash: a change of user takes it off
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before it held the leash
        sys.exit(1)
os.execvp(command[0], command)
