// The `vxlab/engine` subpath: the emulation engine without a lab around it.

export { Bridge } from './fabric/bridge.ts';
export { Fdb, LEARN } from './fabric/fdb.ts';
export type { Impairments } from './fabric/impair.ts';
export { impairments, UNIMPAIRED } from './fabric/impair.ts';
export { LinkEnd, link } from './fabric/link.ts';
export { PeerDb } from './fabric/peer-db.ts';
export { Peers } from './fabric/peers.ts';
export type { Port, PortId, Sink } from './fabric/port.ts';
export type { Capture } from './fabric/tap.ts';
export { TapPort, TapSink } from './fabric/tap.ts';
export type { TunnelReceiver, Underlay } from './fabric/underlay.ts';
export { VethEnd, veth } from './fabric/veth.ts';
export type { MappingOptions, Segment } from './fabric/vlan-gateway.ts';
export { GatewayPort, VlanGateway } from './fabric/vlan-gateway.ts';
export type { VlanPortOptions } from './fabric/vlan-port.ts';
export { VlanPort } from './fabric/vlan-port.ts';
export type { VlanMember } from './fabric/vlan-trunk.ts';
export { VlanTrunk } from './fabric/vlan-trunk.ts';
export { VniDemux } from './fabric/vni-demux.ts';
export type { VtepOptions } from './fabric/vtep.ts';
export { Vtep } from './fabric/vtep.ts';
export type { HostOptions } from './host/host.ts';
export { Host } from './host/host.ts';
export type { InterfaceAddress, InterfaceOptions } from './host/interface.ts';
export { Interface } from './host/interface.ts';
export type { PingError, PingOptions, PingReply, PingResult } from './host/ping.ts';
export { Ping } from './host/ping.ts';
export type { DatagramReceiver, SocketOptions } from './host/udp.ts';
export { UdpSocket } from './host/udp.ts';
export type { Cidr } from './ipam/cidr.ts';
export { formatCidr, parseCidr } from './ipam/cidr.ts';
export { AddressSpace, SubnetLeases } from './ipam/ipam.ts';
export { dockerMac, randomLocalMac } from './ipam/mac-scheme.ts';
export { AddressPool } from './ipam/pool.ts';
export { VniPool } from './ipam/vni-pool.ts';
export type { Loaded, LoadOptions } from './manifest/load.ts';
export { loadCompose, loadManifest } from './manifest/load.ts';
export type { Diagnostic, Severity } from './model/diagnostic.ts';
export { countSeverities, hasErrors } from './model/diagnostic.ts';
export type { RuleId } from './model/rules.ts';
export { RULES } from './model/rules.ts';
export type * from './model/spec.ts';
export type {
  ClusterOptions,
  ClusterSpec,
  NodeSpec,
  UnderlaySpec,
  UnderlayVlan,
} from './orchestrate/cluster.ts';
export { cluster } from './orchestrate/cluster.ts';
export type { Container } from './orchestrate/container.ts';
export { Ground } from './orchestrate/ground.ts';
export type { EndpointPlan, NetworkPlan, Plan, ServicePlan, TaskPlan } from './orchestrate/plan.ts';
export { plan } from './orchestrate/plan.ts';
export type { Profile } from './orchestrate/profile.ts';
export { PROFILES, profileOf } from './orchestrate/profile.ts';
export type { SimulationOptions } from './orchestrate/simulation.ts';
export { Simulation } from './orchestrate/simulation.ts';
export type { Party, WorldWiring } from './orchestrate/world.ts';
export { World } from './orchestrate/world.ts';
export type { Clock, Instant, TimerId, Timers, TimerTarget } from './time/clock.ts';
export { MICROSECOND, MILLISECOND, SECOND } from './time/clock.ts';
export { RandomSource, RandomStream } from './time/random.ts';
export { VirtualClock } from './time/virtual-clock.ts';
export type { CounterSnapshot } from './trace/counters.ts';
export { Counters } from './trace/counters.ts';
export { DROP, DROP_NAMES, DROP_SENTENCES } from './trace/drop.ts';
export type { TraceSink } from './trace/event.ts';
export { TRACE, VIA } from './trace/event.ts';
export type { RecorderOptions, TraceEvent } from './trace/recorder.ts';
export { Recorder } from './trace/recorder.ts';
