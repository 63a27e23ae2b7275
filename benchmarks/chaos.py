"""What survives: the real programs, killed, crashed and starved while clients send, on SQLite and on PostgreSQL.

    python benchmarks/chaos.py [--store both] [--scene NAME]... [--kills 2] [--every 2] [--clients 3]
                               [--json FILE] [--write FILE]

    service   kill -9 of `readiness serve` while it takes events and delivers, again and again
    worker    kill -9 of `readiness work` while it delivers
    two       two services and two workers on one store, one of each killed on the way
    restart   PostgreSQL is restarted in order under load (PostgreSQL alone)
    crash     PostgreSQL crashes under load and comes back (PostgreSQL alone)
    disk      the disk is full, and then it is not: a tmpfs of 64 MiB that something else fills (needs root); for
              PostgreSQL it holds the tables

Clients remember what was acknowledged; a subscriber that fails now and then remembers what it has taken. Afterwards the
store itself is read: everything acknowledged is there once, nothing is half there, every crossing was told once and
delivered at least once with one id. Any of it wrong: exit code 1.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `features` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.chaos_command import main

    main()
