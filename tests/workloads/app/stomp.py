# SPDX-License-Identifier: Apache-2.0
"""usage: stomp.py N: sends N messages over STOMP, takes them again, prints how many came."""
import socket
import sys


def frame(command, headers=None, body=""):
    lines = [command] + [f"{key}:{value}" for key, value in (headers or {}).items()]
    return ("\n".join(lines) + "\n\n" + body + "\0").encode()


def main():
    wanted = int(sys.argv[1])
    server = socket.create_connection(("127.0.0.1", 61613), 60)
    server.sendall(frame("CONNECT", {"accept-version": "1.2", "host": "/", "login": "guest", "passcode": "guest"}))
    for i in range(wanted):
        server.sendall(frame("SEND", {"destination": "/queue/work"}, f"message {i}"))
    server.sendall(frame("SUBSCRIBE", {"id": "1", "destination": "/queue/work", "ack": "auto"}))
    data = b""
    while data.count(b"\nmessage ") < wanted:
        part = server.recv(65536)
        if not part or b"ERROR\n" in data:
            sys.exit(f"the server said: {data[-500:]!r}")
        data += part
    print(data.count(b"\nmessage "))


if __name__ == "__main__":
    main()
