#!/usr/bin/env python3
"""measure.py LOG COMMAND...: run a command, its output into LOG, and print what it took as one line of JSON.

CPU seconds are user and system time of the whole process tree, orphans included: this process is their reaper, so the kernel's own
accounting adds them up. Peak memory is the largest sum of resident sizes over the tree, sampled five times a second. The start is the time
from the command's start to the line "@FIRST <milliseconds since the epoch>" on its standard output; all lines "@NAME VALUE" are kept.
"""
import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time

PAGE = os.sysconf("SC_PAGE_SIZE")
PR_SET_CHILD_SUBREAPER = 36


def resident_bytes(root):
    """Sum over all descendants of a process, without itself."""
    children, resident = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", "rb") as f:
                fields = f.read().rsplit(b")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(pid))
        resident[int(pid)] = int(fields[21]) * PAGE
    total, todo = 0, list(children.get(root, []))
    while todo:
        pid = todo.pop()
        total += resident[pid]
        todo.extend(children.get(pid, []))
    return total


def main():
    log, command = sys.argv[1], sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    peak, marks, stop = [0], {}, threading.Event()

    def sample():
        while not stop.wait(0.2):
            peak[0] = max(peak[0], resident_bytes(os.getpid()))

    began = time.time()
    with open(log, "ab", buffering=0) as out:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, stdin=subprocess.DEVNULL)
        threading.Thread(target=sample, daemon=True).start()
        for line in child.stdout:
            out.write(line)
            if line.startswith(b"@"):
                name, _, value = line[1:].decode().strip().partition(" ")
                marks[name] = value
        child.wait()
    wall = time.time() - began
    stop.set()
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({
        "status": child.returncode,
        "wall_s": round(wall, 3),
        "user_s": round(used.ru_utime, 3),
        "system_s": round(used.ru_stime, 3),
        # A process that ends between two samples is still known by the kernel's own peak of the largest one.
        "peak_bytes": max(peak[0], used.ru_maxrss * 1024),
        "start_s": round(float(marks["FIRST"]) / 1000 - began, 3) if "FIRST" in marks else None,
        "marks": marks,
    }))


main()
