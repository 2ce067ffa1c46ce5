"""The first call of a client of the chat, for tests that are about something else."""

from ws_raw import BINARY, TEXT, frame

HELLO = 16
CALL_HELLO = (0x80000000 | HELLO).to_bytes(4, "big")


def greet(peer, subprotocol="stoa.json"):
    """Be a guest: call Hello, and pass over everything up to its reply, which may be longer than a low limit allows:
    then an error is in its place."""
    if subprotocol == "stoa.text":
        peer.send(frame(TEXT, b'{"type":%d,"id":1,"payload":{}}' % HELLO))
    else:
        payload = b"{}" if subprotocol == "stoa.json" else b""
        peer.send(frame(BINARY, CALL_HELLO + (1).to_bytes(4, "big") + payload))
    while True:
        opcode, payload = peer.read_message()
        if bytes([payload[0] & 0xBF]) + payload[1:4] == CALL_HELLO or (opcode == TEXT and b'"type":%d,' % HELLO in payload[:20]):
            return
