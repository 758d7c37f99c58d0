// Defences of Docker's encrypted networks that were missing once, to be left out on purpose: each shows what it is there for. All three
// were mended in 20.10.24 and 23.0.3.
//
// CVE-2023-28840: the rule that drops plain datagrams of an encrypted network stood at the end of the INPUT chain, behind the
// administrator's own; one of those that lets UDP 4789 in made it void. What is sent is sealed, what comes plain is taken.
//
// CVE-2023-28841: both rules look at the VNI with xt_u32. On a kernel without that module they could not be made, and nobody was
// told: what is sent leaves in the clear, and what comes plain is taken.
//
// CVE-2023-28842: the rules were made with the first peer. While a node had the network alone, they were missing, and whoever reached the
// port could put frames in.

export const WEAKNESSES = ['CVE-2023-28840', 'CVE-2023-28841', 'CVE-2023-28842'] as const;
export type Weakness = (typeof WEAKNESSES)[number];
