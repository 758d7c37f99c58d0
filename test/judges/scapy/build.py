"""Builds VXLAN packets of several kinds with Scapy and says what is in them.

    build.py

Prints a JSON array: a name, the packet in hex, and its fields in Wireshark's names and notation, from Scapy's own values.
"""

import json
import logging

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, UDP  # noqa: E402
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment  # noqa: E402
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.packet import Raw  # noqa: E402

OUTER = Ether(src="02:00:00:00:00:0b", dst="02:00:00:00:00:0c")
OUTER4 = IP(src="192.0.2.11", dst="192.0.2.12", id=0x1234, ttl=61, tos=0x28)
OUTER6 = IPv6(src="2001:db8:64::b", dst="2001:db8:64::c", hlim=62, tc=0x2E, fl=0x54321)
INNER = Ether(src="02:42:0a:00:01:02", dst="02:42:0a:00:01:03")
PING = IP(src="10.0.1.2", dst="10.0.1.3", id=7, flags="DF") / ICMP(id=0x55AA, seq=3) / Raw(b"0123456789abcdef")
PING6 = IPv6(src="fd00:1::2", dst="fd00:1::3") / ICMPv6EchoRequest(id=9, seq=4, data=b"scapy")


def udp(port=4789, **more):
    return UDP(sport=54321, dport=port, **more)


PACKETS = {
    "plain": OUTER / OUTER4 / udp() / VXLAN(flags=8, vni=4097) / INNER / PING,
    "zero checksum": OUTER / OUTER4 / udp(chksum=0) / VXLAN(flags=8, vni=0xFFFFFF) / INNER / PING,
    "Linux port": OUTER / OUTER4 / udp(8472) / VXLAN(flags=8, vni=1) / INNER / ARP(psrc="10.0.1.2", pdst="10.0.1.3"),
    "reserved byte": OUTER / OUTER4 / udp() / VXLAN(flags=8, vni=4097, reserved2=0x5A) / INNER / PING,
    "no I flag": OUTER / OUTER4 / udp() / VXLAN(flags=0, vni=77) / INNER / PING,
    "group policy": OUTER / OUTER4 / udp() / VXLAN(flags=0x88, vni=4097, gpid=0x4242, gpflags=0x48) / INNER / PING,
    "IPv6 outside": OUTER / OUTER6 / udp() / VXLAN(flags=8, vni=4098) / INNER / PING,
    "IPv6 inside": OUTER / OUTER4 / udp() / VXLAN(flags=8, vni=4098) / INNER / PING6,
    "IPv6 both": OUTER / OUTER6 / udp() / VXLAN(flags=8, vni=4098) / INNER / PING6,
    "VLAN inside": OUTER / OUTER4 / udp() / VXLAN(flags=8, vni=4099) / INNER / Dot1Q(vlan=42, prio=5) / PING,
    "VLAN outside": OUTER / Dot1Q(vlan=7) / OUTER4 / udp() / VXLAN(flags=8, vni=4099) / INNER / PING,
    "two VLANs inside": OUTER / OUTER6 / udp() / VXLAN(flags=8, vni=5) / INNER / Dot1AD(vlan=100) / Dot1Q(vlan=9) / PING,
    "GPE Ethernet": OUTER / OUTER4 / udp(4790) / VXLAN(flags=0x0C, vni=600, NextProtocol=3) / INNER / PING,
    "GPE IPv4": OUTER / OUTER4 / udp(4790) / VXLAN(flags=0x0C, vni=601, NextProtocol=1) / PING,
    "GPE IPv6": OUTER / OUTER6 / udp(4790) / VXLAN(flags=0x0C, vni=602, NextProtocol=2) / PING6,
    "tunnel in tunnel": OUTER / OUTER4 / udp() / VXLAN(flags=8, vni=10) / INNER / OUTER6 / udp() / VXLAN(flags=8, vni=11) / INNER / PING,
    "fragment inside": OUTER / OUTER4 / udp() / VXLAN(flags=8, vni=4097) / INNER / IP(src="10.0.1.2", dst="10.0.1.3", id=8, flags="MF", frag=185, proto=17) / Raw(b"x" * 64),
}


def fields(packet):
    """What Scapy reads in every layer, from the outside in, as Wireshark would print it."""
    said = {}

    def say(name, text):
        said.setdefault(name, []).append(text)

    layer = packet
    while layer:
        if isinstance(layer, Ether):
            say("eth.dst", layer.dst)
            say("eth.src", layer.src)
        elif isinstance(layer, (Dot1Q, Dot1AD)):
            # Wireshark has a name of its own for the outer tag's id.
            say("ieee8021ad.id" if isinstance(layer, Dot1AD) else "vlan.id", str(layer.vlan))
            if not isinstance(layer, Dot1AD):
                say("vlan.priority", str(layer.prio))
        elif isinstance(layer, ARP):
            say("arp.opcode", str(layer.op))
            say("arp.src.proto_ipv4", layer.psrc)
            say("arp.dst.proto_ipv4", layer.pdst)
        elif isinstance(layer, IP):
            say("ip.src", layer.src)
            say("ip.dst", layer.dst)
            say("ip.len", str(layer.len))
            say("ip.id", f"0x{layer.id:04x}")
            say("ip.ttl", str(layer.ttl))
            say("ip.dsfield", f"0x{layer.tos:02x}")
            say("ip.proto", str(layer.proto))
            say("ip.checksum", f"0x{layer.chksum:04x}")
            say("ip.flags.df", str(int(layer.flags.DF)))
            say("ip.flags.mf", str(int(layer.flags.MF)))
            say("ip.frag_offset", str(layer.frag))
        elif isinstance(layer, IPv6):
            say("ipv6.src", layer.src)
            say("ipv6.dst", layer.dst)
            say("ipv6.plen", str(layer.plen))
            say("ipv6.hlim", str(layer.hlim))
            say("ipv6.tclass", f"0x{layer.tc:08x}")
            say("ipv6.flow", f"0x{layer.fl:06x}")
        elif isinstance(layer, UDP):
            say("udp.srcport", str(layer.sport))
            say("udp.dstport", str(layer.dport))
            say("udp.length", str(layer.len))
            say("udp.checksum", f"0x{layer.chksum:04x}")
        elif isinstance(layer, VXLAN):
            say("vxlan.vni", str(layer.vni))
            say("vxlan.reserved8", str(layer.reserved2))
            flags = int(layer.flags)
            if flags & 0x04:
                say("vxlan.flags", f"0x{flags:02x}")
                say("vxlan.next_proto", str(layer.NextProtocol))
            elif flags & 0x80:
                say("vxlan.flags", f"0x{flags << 8 | int(layer.gpflags):04x}")
                say("vxlan.gbp", str(layer.gpid))
            else:
                say("vxlan.flags", f"0x{flags << 8:04x}")
        elif isinstance(layer, ICMP):
            say("icmp.type", str(layer.type))
            say("icmp.seq", str(layer.seq))
            say("icmp.ident", str(layer.id))
            say("icmp.checksum", f"0x{layer.chksum:04x}")
        elif isinstance(layer, ICMPv6EchoRequest):
            say("icmpv6.type", str(layer.type))
            say("icmpv6.echo.sequence_number", str(layer.seq))
            say("icmpv6.checksum", f"0x{layer.cksum:04x}")
        layer = layer.payload
    return {name: ";".join(texts) for name, texts in said.items()}


def main():
    built = []
    for name, packet in PACKETS.items():
        data = bytes(packet)
        built.append({"name": name, "hex": data.hex(), "fields": fields(Ether(data))})
    print(json.dumps(built))


main()
