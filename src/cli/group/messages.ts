// What the manager of a node group and its nodes' processes say to each other, over Node's channel between parent and child
// (child_process, serialization "advanced": Maps and typed arrays stay what they are).
//
//   manager                         node
//   settings ─────────────────────►  opens its sockets
//            ◄───────────── ready or failed
//   begin    ─────────────────────►  programs and pings
//            ◄── alive, a second ─
//            ◄──────────────── said
//   lost     ─────────────────────►  tables change, tasks move
//   end      ─────────────────────►  takes all down
//            ◄───────────── account

import type { PeerState } from '../../apps/tally.ts';
import type { ShareAccount, ShareSettings } from './share.ts';

/** Milliseconds between two signs of life, and without one until a node counts as dead. */
export const ALIVE_EVERY = 1000;
export const DEAD_AFTER = 5000;

export interface TallyState {
  readonly service: string;
  readonly kind: string;
  readonly peers: readonly PeerState[];
}

/** A share's account with its tallies as plain data, their times counted from the beginning. */
export interface AccountState extends Omit<ShareAccount, 'tallies' | 'begun'> {
  readonly tallies: readonly TallyState[];
}

export type ManagerMessage =
  | { readonly kind: 'settings'; readonly settings: ShareSettings }
  | { readonly kind: 'begin'; readonly duration: number | null }
  | { readonly kind: 'lost'; readonly node: string }
  | { readonly kind: 'end' };

export type NodeMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'alive' }
  | {
      readonly kind: 'said';
      readonly container: string;
      readonly text: string;
      readonly stream: 'out' | 'err';
    }
  | { readonly kind: 'account'; readonly account: AccountState };

/** For the channel. */
export function stateOf({ tallies, begun, ...account }: ShareAccount): AccountState {
  return {
    ...account,
    tallies: tallies.map(({ service, kind, tally }) => ({ service, kind, peers: tally.state(begun) })),
  };
}
