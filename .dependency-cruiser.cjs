// Who may import whom (the table in ARCHITECTURE.md), type-only imports included. Every rule here is an error.
// test/house/floors.test.ts plants a violation of each rule and expects it to be caught.

/** Room -> the rooms of src/ it may import besides itself. A room that is not named here may import nothing. */
const ROOMS = {
  core: [],
  engine: ['core'],
  lab: ['engine', 'core'],
  live: ['engine', 'core'],
  apps: ['engine', 'core'],
  serve: ['lab', 'live', 'engine', 'core'],
  web: ['lab', 'engine', 'core'],
  cli: ['serve', 'lab', 'live', 'apps', 'engine', 'core'],
};

/** Inside core, above the codecs (wire), frames and capture files, lowest first; frame is the engine's. */
const CORE_FLOORS = [
  ['craft', 'dissect'],
  ['esp'],
  ['inspect', 'reassembly'],
  ['filter', 'streams', 'survey'],
  ['doctor', 'eavesdrop', 'topology', 'edit'],
  ['canary'],
];

/** Inside engine, lowest first: a room may import those of lower floors, and itself. */
const ENGINE_FLOORS = [
  ['ipam', 'time'],
  ['model'],
  ['manifest', 'trace'],
  ['fabric'],
  ['host'],
  ['orchestrate'],
];

/** Inside live, lowest first; its single files stand beside the rooms and may be used by all. */
const LIVE_FLOORS = [
  ['capture', 'control', 'kernel', 'offload', 'survey'],
  ['underlay', 'attach'],
  ['vtep'],
  ['send'],
];

/** Inside core/wire: what every codec stands on, and the headers that one document defines in several files. */
const GROUND = 'fault|numbers|address|checksum';
const FAMILIES = [
  ['ipv6', 'ipv6-extensions'],
  ['icmpv6', 'nd'],
  ['tcp', 'tcp-options'],
  ['dns', 'dns-name', 'dns-record'],
];

const PURE = '^src/(core|engine|lab)/|^src/index\\.ts$';
const NPM = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];
/** Addons: absent where they did not compile, so they do not resolve everywhere. */
const ADDONS = '(^|/)(cap|raw-socket|koffi)(/|$)';

function rule(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to };
}

const rooms = Object.entries(ROOMS).map(([room, below]) =>
  rule(
    `room-${room}`,
    `${room} may import ${below.length === 0 ? 'no other room' : `only ${below.join(', ')}`}`,
    { path: `^src/${room}/` },
    { path: '^src/', pathNot: `^src/(${[room, ...below].join('|')})/` },
  ),
);

/** @param to what of the house is on a floor */
function floorsOf(house, floors, to) {
  return floors.flatMap((floor, height) =>
    floor.map((room) => {
      const below = floors.slice(0, height).flat();
      return rule(
        `${house}-${room}`,
        `${house}/${room} may import ${below.length === 0 ? `no other room of ${house}` : `only ${below.join(', ')}`}`,
        { path: `^src/${house}/${room}/` },
        { path: to, pathNot: `^src/${house}/(${[room, ...below].join('|')})/` },
      );
    }),
  );
}

const engineFloors = floorsOf('engine', ENGINE_FLOORS, '^src/engine/');
const liveFloors = floorsOf('live', LIVE_FLOORS, '^src/live/[^/]+/');

const coreFloors = CORE_FLOORS.flatMap((floor, height) =>
  floor.map((room) => {
    const below = ['wire', 'pcap', ...CORE_FLOORS.slice(0, height).flat()];
    return rule(
      `core-${room}`,
      `core/${room} may import only ${below.join(', ')} of core`,
      { path: `^src/core/${room}/` },
      { path: '^src/core/', pathNot: `^src/core/(${[room, ...below].join('|')})/` },
    );
  }),
);

const families = FAMILIES.map((family) =>
  rule(
    `wire-family-${family[0]}`,
    'a header family knows the ground and itself',
    { path: `^src/core/wire/(${family.join('|')})\\.ts$` },
    { path: '^src/core/wire/', pathNot: `^src/core/wire/(${GROUND}|${family.join('|')})\\.ts$` },
  ),
);

module.exports = {
  forbidden: [
    rule('no-circle', 'no circles, type-only imports included', {}, { circular: true }),

    ...rooms,
    rule(
      'room-index',
      'the face without I/O shows lab, engine and core',
      { path: '^src/index\\.ts$' },
      { path: '^src/', pathNot: '^src/(lab|engine|core)/' },
    ),
    rule(
      'no-unknown-room',
      'a new room needs its floor in ARCHITECTURE.md and here',
      { path: '^src/', pathNot: `^src/(${Object.keys(ROOMS).join('|')})/|^src/index\\.ts$` },
      {},
    ),
    rule(
      'src-alone',
      'src does not know tests, scripts or what was built',
      { path: '^src/' },
      { path: '^(test|scripts|fixtures|docs|dist)/' },
    ),

    rule(
      'pure-no-node',
      'the pure rooms and the page run in a browser: no module of Node',
      { path: `${PURE}|^src/web/` },
      { dependencyTypes: ['core'] },
    ),
    rule(
      'pure-npm',
      'the pure rooms import only packages that need no module of Node',
      { path: PURE, pathNot: '^src/(engine/manifest/|lab/plain-cipher)' },
      { dependencyTypes: NPM, pathNot: '(^|/)node_modules/ip-address/' },
    ),
    rule(
      'cipher-npm',
      'ciphers come from one library, by one door',
      { path: '^src/lab/plain-cipher' },
      { dependencyTypes: NPM, pathNot: '(^|/)node_modules/@noble/ciphers/' },
    ),
    rule(
      'manifest-npm',
      'YAML is read in one room',
      { path: '^src/engine/manifest/' },
      { dependencyTypes: NPM, pathNot: '(^|/)node_modules/(ip-address|yaml)/' },
    ),
    rule(
      'addons-in-live',
      'native addons are loaded in live and nowhere else',
      { path: '^src/', pathNot: '^src/live/' },
      { path: ADDONS },
    ),
    rule(
      'no-dev-package',
      'what is shipped may not need what is not installed with it; the page is bundled',
      { path: '^src/', pathNot: '^src/web/' },
      {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
        pathNot: ADDONS,
      },
    ),
    rule('no-unresolved', 'every import leads somewhere', {}, { couldNotResolve: true, pathNot: ADDONS }),

    rule(
      'wire-alone',
      'codecs know no other room of core',
      { path: '^src/core/wire/' },
      { path: '^src/core/', pathNot: '^src/core/wire/' },
    ),
    rule(
      'wire-ground',
      'the ground stands on itself',
      { path: `^src/core/wire/(${GROUND})\\.ts$` },
      { path: '^src/core/wire/', pathNot: `^src/core/wire/(${GROUND})\\.ts$` },
    ),
    rule(
      'wire-codec',
      'a codec knows its own header and the ground; walking is the job of dissect',
      {
        path: '^src/core/wire/',
        pathNot: `^src/core/wire/(index|${GROUND}|${FAMILIES.flat().join('|')})\\.ts$`,
      },
      { path: '^src/core/wire/', pathNot: `^src/core/wire/(${GROUND})\\.ts$` },
    ),
    ...families,
    rule(
      'frame-alone',
      'frame knows no header, only the numbers and the error class',
      { path: '^src/core/frame/' },
      { path: '^src/core/', pathNot: '^src/core/(frame/|wire/numbers\\.ts$)' },
    ),
    rule(
      'pcap-alone',
      'capture files are bytes in, records out: no header, only the numbers and the error class',
      { path: '^src/core/pcap/' },
      { path: '^src/core/', pathNot: '^src/core/(pcap/|wire/numbers\\.ts$)' },
    ),
    rule(
      'core-pcap-types',
      'who looks at packets takes records and does not read files: types only; edit writes files',
      { path: '^src/core/', pathNot: '^src/core/(pcap|edit)/' },
      { path: '^src/core/pcap/', dependencyTypesNot: ['type-only'] },
    ),
    ...coreFloors,
    ...engineFloors,
    ...liveFloors,
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
