# SPDX-License-Identifier: Apache-2.0
"""usage: memcached.py N: sets N values, gets them again, prints how many came back as they were."""
import socket
import sys


def main():
    n = int(sys.argv[1])
    server = socket.create_connection(("127.0.0.1", 11211), 60)
    answers = server.makefile("rb")
    same = 0
    for i in range(n):
        value = f"value {i}".encode()
        server.sendall(b"set k%d 0 0 %d\r\n%s\r\nget k%d\r\n" % (i, len(value), value, i))
        lines = [answers.readline().strip() for _ in range(4)]
        same += lines[0] == b"STORED" and lines[2] == value
    print(same)


if __name__ == "__main__":
    main()
