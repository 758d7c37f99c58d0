// Counts a VXLAN capture by VNI and one-way inner flow, as inspect.cc does, with gopacket's fastest way: ZeroCopyReadPacketData and
// layers decoded in place.
//
//	inspect FILE
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

type key struct{ a, b uint64 }
type sum struct{ packets, bytes uint64 }

func pair(source, target []byte) uint64 {
	return uint64(binary.BigEndian.Uint32(source))<<32 | uint64(binary.BigEndian.Uint32(target))
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	reader, err := pcapgo.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		panic(err)
	}
	flows, vnis, total := map[key]*sum{}, map[uint32]*sum{}, 0
	var outer, inner layers.Ethernet
	var ip, innerIP layers.IPv4
	var udp, innerUDP layers.UDP
	var vxlan layers.VXLAN
	var tag layers.Dot1Q
	var tcp layers.TCP
	var icmp layers.ICMPv4
	var arp layers.ARP
	var payload gopacket.Payload
	// The outer layers are decoded one by one: a parser would go on into the inner Ethernet and overwrite the outer one.
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &inner, &tag, &innerIP, &innerUDP, &tcp, &icmp, &arp, &payload)
	parser.IgnoreUnsupported = true
	decoded := make([]gopacket.LayerType, 0, 10)
	none := gopacket.NilDecodeFeedback
	for {
		data, _, err := reader.ZeroCopyReadPacketData()
		if err != nil {
			break
		}
		total++
		if outer.DecodeFromBytes(data, none) != nil || outer.EthernetType != layers.EthernetTypeIPv4 {
			continue
		}
		if ip.DecodeFromBytes(outer.Payload, none) != nil || ip.Protocol != layers.IPProtocolUDP {
			continue
		}
		if udp.DecodeFromBytes(ip.Payload, none) != nil || udp.DstPort != 4789 {
			continue
		}
		if vxlan.DecodeFromBytes(udp.Payload, none) != nil || !vxlan.ValidIDFlag {
			continue
		}
		length := uint64(len(vxlan.Payload))
		v := vnis[vxlan.VNI]
		if v == nil {
			v = &sum{}
			vnis[vxlan.VNI] = v
		}
		v.packets++
		v.bytes += length
		parser.DecodeLayers(vxlan.Payload, &decoded)
		k := key{b: uint64(vxlan.VNI) << 40}
		for _, layer := range decoded {
			switch layer {
			case layers.LayerTypeIPv4:
				k.a = pair(innerIP.SrcIP, innerIP.DstIP)
				k.b |= uint64(innerIP.Protocol) << 32
			case layers.LayerTypeTCP:
				k.b |= uint64(tcp.SrcPort)<<16 | uint64(tcp.DstPort)
			case layers.LayerTypeUDP:
				k.b |= uint64(innerUDP.SrcPort)<<16 | uint64(innerUDP.DstPort)
			case layers.LayerTypeARP:
				k.a = pair(arp.SourceProtAddress, arp.DstProtAddress)
			}
		}
		if k.a == 0 {
			continue
		}
		f := flows[k]
		if f == nil {
			f = &sum{}
			flows[k] = f
		}
		f.packets++
		f.bytes += length
	}
	for vni, v := range vnis {
		fmt.Println(vni, v.packets, v.bytes)
	}
	fmt.Println(total, "packets,", len(flows), "flows")
}
