"""Scapy's IPsec layer as a judge of ESP.

    esp.py open FILE KEYS      decrypts every ESP packet of a pcap with a keys file in Wireshark's form
    esp.py build KEYS COUNT    seals frames with the associations of a keys file
    esp.py seal KEYS           seals what standard input lists: [{"spi", "sequence", "packet": an IP packet in hex}]

`open` prints one JSON object: the frames inside the tunnels in hex, null where a packet did not open; packets that are not ESP
are passed over. `build` prints a list of packets in hex with the frames that are in them, `seal` a list of IP packets in hex.

Scapy's AES-GCM comes with an ICV of 16 bytes, whatever crypt_icv_size says; with the cipher of the same library's other face
the size counts.
"""

import csv
import json
import logging
import re
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers import ipsec  # noqa: E402
from scapy.layers.inet import ICMP, IP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.ipsec import ESP, IPSecIntegrityError, SecurityAssociation  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.utils import PcapReader  # noqa: E402

ipsec.CRYPT_ALGOS["AES-GCM"] = ipsec.CryptAlgo(
    "AES-GCM",
    cipher=ipsec.algorithms.AES,
    mode=ipsec.modes.GCM,
    salt_size=4,
    block_size=1,
    iv_size=8,
    icv_size=16,
    format_mode_iv=lambda sa, iv, **kw: sa.crypt_salt + iv,
)


def associations(path):
    with open(path, encoding="ascii") as lines:
        for row in csv.reader(line for line in lines if not line.startswith("#")):
            family, src, dst, spi, algorithm, key = row[:6]
            size = int(re.match(r"AES-GCM with (\d+) octet ICV \[RFC4106\]$", algorithm).group(1))
            yield family, src, dst, SecurityAssociation(
                ESP,
                spi=int(spi, 16),
                crypt_algo="AES-GCM",
                crypt_key=bytes.fromhex(key[2:]),
                crypt_icv_size=size,
            )


def open_all(path, keys):
    known = {(src, dst, sa.spi): sa for _, src, dst, sa in associations(keys)}
    frames = []
    for packet in PcapReader(path):
        if ESP not in packet:
            continue
        ip = packet[IPv6] if IPv6 in packet else packet[IP]
        sa = known.get((ip.src, ip.dst, ip[ESP].spi))
        try:
            opened = sa.decrypt(ip.copy())
            frames.append(bytes(opened[UDP].payload)[8:].hex())
        except (AttributeError, IPSecIntegrityError):
            frames.append(None)
    return {"frames": frames}


def build(keys, count):
    built = []
    for family, src, dst, sa in associations(keys):
        for number in range(1, count + 1):
            data = bytes(i * number & 0xFF for i in range(13 * number))
            frame = (
                Ether(src="02:42:0a:00:01:02", dst="02:42:0a:00:01:03")
                / IP(src="10.0.1.2", dst="10.0.1.3")
                / ICMP(id=77, seq=number)
                / data
            )
            outer = IPv6(src=src, dst=dst) if family == "IPv6" else IP(src=src, dst=dst)
            plain = outer / UDP(sport=50000, dport=4789, chksum=0) / VXLAN(vni=4097, flags=8, NextProtocol=0) / frame
            packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / sa.encrypt(plain, seq_num=number)
            built.append({"packet": bytes(packet).hex(), "frame": bytes(frame).hex()})
    return built


def seal(keys, wanted):
    known = {sa.spi: sa for _, _, _, sa in associations(keys)}
    for one in wanted:
        packet = bytes.fromhex(one["packet"])
        plain = IPv6(packet) if packet[0] >> 4 == 6 else IP(packet)
        yield bytes(known[one["spi"]].encrypt(plain, seq_num=one["sequence"])).hex()


if sys.argv[1] == "open":
    print(json.dumps(open_all(sys.argv[2], sys.argv[3])))
elif sys.argv[1] == "seal":
    print(json.dumps(list(seal(sys.argv[2], json.load(sys.stdin)))))
else:
    print(json.dumps(build(sys.argv[2], int(sys.argv[3]))))
