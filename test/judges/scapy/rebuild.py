"""Takes the packets of a capture apart with Scapy, forgets every length and checksum, and builds them again.

    rebuild.py FILE

Prints one JSON object: how many packets there were, how many of them VXLAN, and each packet that came out different.
Checksums that a single packet cannot give are kept: of a transport header in a fragment, of what an ICMP error quotes, and
zero ones of UDP, which mean that there is none (RFC 768).
"""

import json
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, UDP, IPerror  # noqa: E402
from scapy.layers.inet6 import IPerror6, IPv6, IPv6ExtHdrFragment  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.packet import bind_layers  # noqa: E402
from scapy.utils import PcapReader  # noqa: E402

bind_layers(UDP, VXLAN, dport=8472)


def forget(packet):
    """Deletes what Scapy can work out. Returns how many fields that were."""
    count = 0
    layer = packet
    while layer:
        if isinstance(layer, (IPerror, IPerror6)):
            break
        for name in ("len", "chksum", "ihl", "plen", "cksum"):
            if name not in layer.fields:
                continue
            if name == "chksum" and isinstance(layer, UDP) and layer.chksum == 0:
                continue
            delattr(layer, name)
            count += 1
        if isinstance(layer, IP) and (layer.flags.MF or layer.frag):
            break
        if isinstance(layer, IPv6ExtHdrFragment):
            break
        layer = layer.payload
    return count


def main(path):
    said = {"packets": 0, "vxlan": 0, "forgotten": 0, "different": []}
    for packet in PcapReader(path):
        said["packets"] += 1
        original = bytes(packet.original)
        if VXLAN in packet:
            said["vxlan"] += 1
        copy = Ether(original)
        said["forgotten"] += forget(copy)
        rebuilt = bytes(copy)
        if rebuilt != original:
            said["different"].append(
                {"number": said["packets"], "what": copy.summary(), "ours": original.hex(), "scapy": rebuilt.hex()}
            )
    print(json.dumps(said))


main(sys.argv[1])
