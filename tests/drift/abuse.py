#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# usage: abuse.py ACTION SOCKET [N]
# Clients of the daemon's control socket that mean no good, each action by its name; prints "ACTION: what came of it". And two that do:
# status asks once; reloads N RELEASE... changes the policy file N times (abuse.py reloads SOCKET N FILE TEXT-A TEXT-B).
import array
import os
import socket
import struct
import sys

MAGIC, VERSION, STATUS, EVENTS, RELOAD, MORE = 0x54464448, 1, 3, 5, 10, 1
HEADER = "IHHIiI"


def connect(path, seconds=10):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(seconds)
    client.connect(path)
    return client


def packet(kind, payload=b"{}", length=None, magic=MAGIC, version=VERSION):
    return struct.pack(HEADER, magic, version, kind, 0, 0, len(payload) if length is None else length) + payload


def answer(client):
    """(status, text) of the next answer; None when the daemon hung up."""
    text = b""
    while True:
        data = client.recv(70000)
        if len(data) < struct.calcsize(HEADER):
            return None
        _, _, _, flags, status, _ = struct.unpack_from(HEADER, data)
        text += data[struct.calcsize(HEADER):]
        if not flags & MORE:
            return status, text


def word(path, *sent):
    """What one packet comes to."""
    try:
        client = connect(path)
        client.send(*sent)
        got = answer(client)
    except (BrokenPipeError, ConnectionResetError):
        return "hung up"
    except OSError as error:
        return os.strerror(error.errno) if error.errno else "no answer"
    return "hung up" if got is None else f"status {got[0]}"


def status(path, *_):
    return word(path, packet(STATUS))


def lengths(path, *_):
    return " ".join(word(path, packet(STATUS, length=n)).replace(" ", "-") for n in (1 << 30, 0xFFFFFFFF, 0, 1))


def garbage(path, *_):
    sent = (b"", b"x", b"\xff" * 20, b"\xff" * 60000, packet(STATUS, magic=1), packet(STATUS, version=2), packet(999),
            packet(STATUS, b"{" * 30000), packet(STATUS, b"[" * 60000), packet(STATUS, b"\x00" * 100), packet(EVENTS, b'{"last": -1}'))
    return " ".join(word(path, one).replace(" ", "-") for one in sent)


def descriptors(path, n, *_):
    """Every packet with descriptors, as many as the kernel takes."""
    mine = array.array("i", [os.open("/dev/null", os.O_RDONLY)] * 200)
    for _ in range(int(n)):
        client = connect(path)
        try:
            client.sendmsg([packet(STATUS)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, mine)])
            answer(client)
        except OSError:
            pass
        client.close()
    return "done"


def connections(path, n, *_):
    for _ in range(int(n)):
        try:
            connect(path).close()
        except OSError:
            pass
    return "done"


def silent(path, n, *_):
    """As many connections as there may be, which say nothing; then whether another one is served while they stand, and after."""
    clients = []
    for _ in range(int(n)):
        try:
            clients.append(connect(path))
        except OSError:
            break
    between = status(path)
    for client in clients:
        client.close()
    return f"{between}, then {status(path)}"


def followers(path, n, *_):
    """Readers of events that do not read; they stay until standard input ends."""
    clients = []
    for _ in range(int(n)):
        client = connect(path)
        client.send(packet(EVENTS, b'{"follow": true, "last": 100000}'))
        clients.append(client)
    print("followers: waiting", flush=True)
    sys.stdin.read()
    return "done"


def reloads(path, n, file, first, second):
    texts = [open(name).read() for name in (first, second)]
    done = 0
    for i in range(int(n)):
        with open(file + ".new", "w") as out:
            out.write(texts[i % 2])
        os.rename(file + ".new", file)
        client = connect(path, 60)
        client.send(packet(RELOAD))
        done += answer(client)[0] == 0
        client.close()
    return f"{done}"


if __name__ == "__main__":
    print(f"{sys.argv[1]}: {globals()[sys.argv[1]](*sys.argv[2:])}")
