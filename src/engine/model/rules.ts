// The catalogue of everything that can be said about a manifest. docs/lint-rules.md is this table for people.
//
// Numbers are a contract: they appear in output, in CI filters and in searches. A rule that goes leaves a gap.
//   10 text and YAML, 11 shape and dialect, 12 networks, 13 addresses and VNIs, 14 services, 15 deploy, 16 ports

export type Severity = 'error' | 'warning' | 'note';

export interface Rule {
  readonly severity: Severity;
  /** A few words, the same for every report of the rule. */
  readonly title: string;
}

export const RULES = {
  OV1001: { severity: 'error', title: 'not valid YAML' },
  OV1002: { severity: 'error', title: 'tab in the indentation' },
  OV1003: { severity: 'error', title: 'a space that is not a space' },
  OV1004: { severity: 'warning', title: 'typographic quote' },
  OV1005: { severity: 'error', title: 'typographic dash as list marker' },
  OV1006: { severity: 'error', title: 'no space behind the colon' },
  OV1007: { severity: 'error', title: 'no space behind the dash' },
  OV1008: { severity: 'error', title: 'no colon behind the key' },
  OV1009: { severity: 'error', title: 'duplicate key' },
  OV1010: { severity: 'error', title: 'several documents' },
  OV1011: { severity: 'error', title: 'alias that leads nowhere or to itself' },
  OV1012: { severity: 'error', title: 'too large' },
  OV1013: { severity: 'note', title: 'byte order mark' },
  OV1014: { severity: 'error', title: 'not a mapping' },
  OV1015: { severity: 'error', title: 'key that is not a word' },
  OV1016: { severity: 'error', title: 'list item without a dash' },

  OV1101: { severity: 'error', title: 'unknown key' },
  OV1102: { severity: 'error', title: 'misplaced key' },
  OV1103: { severity: 'error', title: 'wrong type' },
  OV1104: { severity: 'error', title: 'key needs a newer version' },
  OV1105: { severity: 'error', title: 'unsupported version' },
  OV1106: { severity: 'error', title: 'key of another dialect' },
  OV1107: { severity: 'error', title: 'forbidden key' },
  OV1108: { severity: 'warning', title: 'ignored key' },
  OV1109: { severity: 'warning', title: 'deprecated key' },
  OV1110: { severity: 'error', title: 'bad name' },
  OV1111: { severity: 'error', title: 'value not in the list' },
  OV1112: { severity: 'error', title: 'the same item twice' },
  OV1113: { severity: 'error', title: 'required key is missing' },
  OV1114: { severity: 'error', title: 'bad duration' },
  OV1115: { severity: 'error', title: 'bad size' },
  OV1116: { severity: 'error', title: 'bad variable reference' },
  OV1117: { severity: 'warning', title: 'variable is not set' },
  OV1118: { severity: 'error', title: 'required variable is not set' },
  OV1119: { severity: 'error', title: 'name and external.name' },
  OV1120: { severity: 'error', title: 'keys that exclude each other' },

  OV1201: { severity: 'error', title: 'undefined network' },
  OV1202: { severity: 'note', title: 'network is not used' },
  OV1203: { severity: 'warning', title: 'driver without swarm scope' },
  OV1204: { severity: 'warning', title: 'unknown driver option' },
  OV1205: { severity: 'warning', title: 'encrypted by presence' },
  OV1206: { severity: 'error', title: 'driver option is neither text nor number' },
  OV1207: { severity: 'warning', title: 'static address is dropped' },
  OV1208: { severity: 'warning', title: 'ignored beside external' },
  OV1209: { severity: 'error', title: 'bad MTU' },
  OV1210: { severity: 'error', title: 'two networks with one name' },
  OV1211: { severity: 'warning', title: 'tunnel is not encrypted by this option' },

  OV1301: { severity: 'error', title: 'address block without a length' },
  OV1302: { severity: 'warning', title: 'host bits are set' },
  OV1303: { severity: 'error', title: 'not an address block' },
  OV1304: { severity: 'error', title: 'subnets overlap' },
  OV1305: { severity: 'error', title: 'subnet overlaps the ingress network' },
  OV1306: { severity: 'warning', title: 'subnet overlaps docker_gwbridge' },
  OV1307: { severity: 'warning', title: 'subnet is too small' },
  OV1308: { severity: 'warning', title: 'IPv6 subnet' },
  OV1309: { severity: 'error', title: 'not a VNI' },
  OV1310: { severity: 'error', title: 'VNI used twice' },
  OV1311: { severity: 'note', title: 'VNI below the pool' },
  OV1312: { severity: 'warning', title: 'subnet of special use' },

  OV1401: { severity: 'error', title: 'service without an image' },
  OV1402: { severity: 'warning', title: 'no services' },
  OV1403: { severity: 'warning', title: 'odd variable name' },
  OV1404: { severity: 'warning', title: 'unbalanced bracket' },
  OV1405: { severity: 'note', title: 'env_file is not read' },
  OV1406: { severity: 'warning', title: 'depends_on is ignored' },
  OV1407: { severity: 'error', title: 'undefined volume, secret or config' },
  OV1408: { severity: 'warning', title: 'likely slip in a service name' },

  OV1501: { severity: 'error', title: 'unknown mode' },
  OV1502: { severity: 'error', title: 'replicas in a global mode' },
  OV1503: { severity: 'error', title: 'number out of range' },
  OV1504: { severity: 'error', title: 'bad constraint' },
  OV1505: { severity: 'warning', title: 'constraint that no node meets' },
  OV1506: { severity: 'error', title: 'unknown endpoint mode' },
  OV1507: { severity: 'error', title: 'dnsrr with an ingress port' },
  OV1508: { severity: 'error', title: 'unknown restart condition' },
  OV1509: { severity: 'warning', title: 'restart as a fallback' },

  OV1601: { severity: 'error', title: 'bad port' },
  OV1602: { severity: 'error', title: 'port published twice' },
  OV1603: { severity: 'warning', title: 'host address is dropped' },
  OV1604: { severity: 'error', title: 'unknown protocol or mode' },
} as const satisfies Readonly<Record<string, Rule>>;

export type RuleId = keyof typeof RULES;
