#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# usage: move_mount.py FROM TO: moves a mount, by move_mount(2).
import ctypes
import os
import sys

AT_FDCWD = -100
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(429, AT_FDCWD, sys.argv[1].encode(), AT_FDCWD, sys.argv[2].encode(), 0) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
