"""A server that ends tells its clients before it closes them."""

import os
import signal

from chat_client import Client
from server_process import Server
from tap import run, test
from ws_raw import CLOSE

FORMATS = ("stoa.json", "stoa.proto", "stoa.text")


@test("clients are told when the server will close them, and a first client is only closed")
def told():
    server = Server(os.environ["CHATROOM"], {"server.workers": 2, "chat.hello_timeout_ms": 3600000})
    try:
        clients = [Client(server.port, FORMATS[i % 3]) for i in range(60)]
        clients[0].call("Hello", nick="Ann")
        plain = Client(server.port, None)
        server.signal(signal.SIGTERM)
        delays = []
        for client in clients:
            name, message = client.push()
            assert name == "GoingAwayMessage", (name, message)
            assert (message["code"], message["reason"], message["endpoint"]) == (4001, "server is going away", "")
            delays.append(message["delay_ms"])
            assert client.peer.read_close() == 4001
        assert max(delays) < 60000 and len(set(delays)) > 1, delays
        first, payload = plain.peer.read_frame()
        assert first & 0x0F == CLOSE, (first, payload)
        plain.peer.close()
        server.check_end()
    finally:
        server.kill()


run()
