"""Builds packets with Scapy from layers that are told on standard input, and prints them as a JSON array of hex.

    craft.py < [{"layers": [["ip", {"src": "10.0.0.1"}], ...], "payload": "hex"}, ...]
"""

import json
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6  # noqa: E402
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.packet import Raw  # noqa: E402

KINDS = {
    "ether": Ether,
    "dot1q": Dot1Q,
    "dot1ad": Dot1AD,
    "arp": ARP,
    "ip": IP,
    "ipv6": IPv6,
    "udp": UDP,
    "tcp": TCP,
    "icmp": ICMP,
    "icmpv6": ICMPv6EchoRequest,
    "vxlan": VXLAN,
}


def build(told):
    packet = None
    for name, fields in told["layers"]:
        layer = KINDS[name](**fields)
        packet = layer if packet is None else packet / layer
    payload = bytes.fromhex(told["payload"])
    return bytes(packet / Raw(payload) if payload else packet).hex()


print(json.dumps([build(told) for told in json.load(sys.stdin)]))
