#!/usr/bin/env bash
# The kernel's own path: hA --veth-- [vA: bridge + vxlan] --veth-- [vB: vxlan + bridge] --veth-- hB, each in a network
# namespace of its own. Builds it, runs one UDP flow over it and takes it away, whatever happens in between: that is why
# this is a script with a trap and not part of a program that a signal may end. Needs root.
#
#   kernel-path.sh probe                          exit 0 where the path can be built
#   kernel-path.sh UDP_FLOW FRAME_BYTES SECONDS   prints millions of delivered frames a second
#   kernel-path.sh tcp SECONDS offload|plain      prints iperf3's JSON of one TCP stream at an MTU of 1450
set -euo pipefail

prefix="vxlab-$$"
made=()

take_away() {
  trap '' INT TERM HUP
  # Their interfaces and what runs in them would keep the namespaces alive.
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
  for name in "${made[@]}"; do ip netns del "$name" 2>/dev/null || true; done
}
trap take_away EXIT
trap 'exit 130' INT TERM HUP

for role in hA vA vB hB; do
  ip netns add "$prefix-$role"
  made+=("$prefix-$role")
  ip netns exec "$prefix-$role" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true
done

on() { ip -n "$prefix-$1" "${@:2}"; }

ip link add u0 netns "$prefix-vA" type veth peer name u0 netns "$prefix-vB"
for side in A B; do
  if [ "$side" = A ]; then local=1 remote=2; else local=2 remote=1; fi
  on "v$side" addr add "10.8.0.$local/24" dev u0
  on "v$side" link set u0 mtu 1600 up
  ip link add h0 netns "$prefix-h$side" type veth peer name p0 netns "$prefix-v$side"
  on "h$side" addr add "10.7.0.$local/24" dev h0
  on "h$side" link set h0 up
  on "v$side" link add br0 type bridge
  on "v$side" link add vx0 type vxlan id 100 local "10.8.0.$local" remote "10.8.0.$remote" dstport 4789
  for device in vx0 p0; do on "v$side" link set "$device" master br0; done
  for device in br0 vx0 p0; do on "v$side" link set "$device" up; done
done

if [ "$1" = probe ]; then exit 0; fi
if [ "$1" = tcp ]; then
  for side in A B; do
    on "h$side" link set h0 mtu 1450
    if [ "$3" = plain ]; then
      ip netns exec "$prefix-h$side" ethtool -K h0 tx off tso off gso off gro off >&2
      for device in p0 vx0 u0; do ip netns exec "$prefix-v$side" ethtool -K "$device" tx off tso off gso off gro off >&2; done
    fi
  done
  ip netns exec "$prefix-hB" timeout 15 iperf3 -s -1 -B 10.7.0.2 >/dev/null &
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.1
    # 1451 is iperf3's port 5201.
    if ip netns exec "$prefix-hB" grep -q ':1451 .* 0A ' /proc/net/tcp; then break; fi
  done
  ip netns exec "$prefix-hA" timeout 15 iperf3 -c 10.7.0.2 -t "$2" -J
  wait
  exit 0
fi
flow=$1 bytes=$(($2 - 42)) seconds=$3
# The sender begins when the receiver surely listens, and the receiver waits a little longer than the sender sends.
(sleep 0.2 && exec ip netns exec "$prefix-hA" "$flow" send 10.7.0.2 5000 "$bytes" "$seconds") &
ip netns exec "$prefix-hB" "$flow" receive 10.7.0.2 5000 "$((seconds + 1))"
wait
