/** What a node may do to its bundle: small mutations as data, so that a failure can print them. Pure. */
import fc from 'fast-check';
import { BUNDLE_LIMITS, type BundleFiles } from '../../lib/probe/unpack.ts';

/** Positions and choices are fractions, so a mutation fits any bundle. */
export type Mutation =
  | {
      readonly kind: 'bytes';
      readonly file: number;
      readonly at: number;
      readonly cut: number;
      readonly put: string;
    }
  | {
      readonly kind: 'value';
      readonly file: number;
      readonly at: number;
      readonly value: string;
      readonly scope: Scope;
    }
  | {
      readonly kind: 'lines';
      readonly file: number;
      readonly at: number;
      readonly act: 'delete' | 'swap' | 'cut' | 'merge';
    }
  | {
      /** `flood`: thousands of entries in the lists that a node has one of. */
      readonly kind: 'repeat' | 'flood';
      readonly file: number;
      readonly at: number;
      readonly times: number;
      readonly distinct: boolean;
    }
  | {
      readonly kind: 'file';
      readonly file: number;
      readonly act: 'delete' | 'empty' | 'copy' | 'fill';
      readonly from: number;
    }
  | {
      readonly kind: 'deep';
      readonly file: number;
      readonly at: number;
      readonly depth: number;
      readonly open: '[' | '{"a":';
    }
  | {
      readonly kind: 'claim';
      /** Which of its own pods claims to be which of its neighbour's. */
      readonly own: number;
      readonly other: number;
      readonly what: 'address' | 'pod';
      /** The kubelet claims it too, in the status of its own pod. */
      readonly status: boolean;
    }
  | {
      readonly kind: 'netlink';
      readonly file: number;
      readonly at: number;
      readonly act: NetlinkAct;
      readonly value: number;
    };

/** One word, all equal words, all numbers, or all words. */
type Scope = 'one' | 'same' | 'numbers' | 'words';
type NetlinkAct = 'length' | 'type' | 'cut' | 'nest' | 'repeat' | 'number';

/** Marks what must never be obeyed: any tag, option or line that contains it was not escaped. */
export const MARK = 'pwned';

const PAYLOADS = [
  `<b ${MARK}>`,
  `"><img ${MARK} src=x onerror=alert(1)>`,
  `</script><script ${MARK}>alert(1)</script>`,
  `]]><${MARK}/>`,
  `--${MARK}`,
  `-${MARK}`,
  `$(touch ${MARK})`,
  `';touch ${MARK};'`,
  `\`touch ${MARK}\``,
  `\u001b[2J\u001b]0;${MARK}\u0007`,
  '\u009b31m',
  '\u202egnp.exe\u2066',
  '\u2028\u2029\u200b\ufeff',
  '\u0000',
  '\ud800',
  '\\u001b[31m\\u202e',
  '\\ud800',
  `\r\nFORGED ${MARK}\n`,
  `"} 1\n${MARK} 1\n`,
  `|\`*_[${MARK}](javascript:alert(1))`,
  '../../../../etc/passwd',
  '网络命名空间',
  '__proto__',
  'constructor',
  'toString',
];

const NUMBERS = [
  '0',
  '-1',
  '-0',
  '1e400',
  '-1e400',
  'NaN',
  'Infinity',
  '0x10',
  '1.5',
  '007',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '18446744073709551616',
  '99999999999999999999',
  '-99999999999999999999',
  '9'.repeat(400),
];

const fraction = fc.noBias(fc.nat({ max: 999_999 })).map((millionths) => millionths / 1e6);
const times = fc.oneof(
  { weight: 100, arbitrary: fc.constantFrom(2, 10, 30) },
  { weight: 20, arbitrary: fc.constantFrom(100, 300) },
  { weight: 2, arbitrary: fc.constantFrom(1_000, 8_000) },
  { weight: 1, arbitrary: fc.constantFrom(30_000, 100_000) },
);

/** @param others - words of other nodes: their addresses, pods, ids */
function mutation(others: readonly string[]): fc.Arbitrary<Mutation> {
  const value = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
    { weight: 4, arbitrary: fc.constantFrom(...PAYLOADS) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
    { weight: 1, arbitrary: fc.constantFrom('', ' ', '/', 'null', '{}', '[]', '"', 'A'.repeat(5_000)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
    { weight: 1, arbitrary: fc.bigInt().map(String) },
  );
  const at = { file: fraction, at: fraction };
  const of = <Kind extends Mutation['kind']>(kind: Kind) => fc.constant(kind);
  return fc.oneof(
    {
      weight: 48,
      arbitrary: fc.record({
        kind: of('value'),
        ...at,
        value,
        scope: fc.constantFrom('one', 'one', 'one', 'one', 'same', 'numbers', 'words'),
      }),
    },
    {
      weight: 18,
      arbitrary: fc.record({
        kind: of('bytes'),
        ...at,
        cut: fc.nat({ max: 8 }),
        put: fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom(...PAYLOADS)),
      }),
    },
    {
      weight: 18,
      arbitrary: fc.record({
        kind: of('lines'),
        ...at,
        act: fc.constantFrom('delete', 'swap', 'cut', 'merge'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: of('flood'),
        ...at,
        times: fc.constantFrom(4_000, 20_000, 60_000),
        distinct: fc.constantFrom(true, true, false),
      }),
    },
    { weight: 18, arbitrary: fc.record({ kind: of('repeat'), ...at, times, distinct: fc.boolean() }) },
    {
      weight: 12,
      arbitrary: fc.record({
        kind: of('file'),
        file: fraction,
        act: fc.oneof(
          { weight: 60, arbitrary: fc.constantFrom<'delete' | 'empty' | 'copy'>('delete', 'empty', 'copy') },
          { weight: 1, arbitrary: fc.constant<'fill'>('fill') },
        ),
        from: fraction,
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: of('deep'),
        ...at,
        depth: fc.constantFrom(3, 100, 5_000),
        open: fc.constantFrom('[', '{"a":'),
      }),
    },
    {
      weight: 12,
      arbitrary: fc.record({
        kind: of('claim'),
        own: fraction,
        other: fraction,
        what: fc.constantFrom('address', 'pod'),
        status: fc.boolean(),
      }),
    },
    {
      weight: 24,
      arbitrary: fc.record({
        kind: of('netlink'),
        ...at,
        act: fc.constantFrom('length', 'type', 'cut', 'nest', 'repeat', 'number'),
        value: fc.oneof(fc.nat({ max: 70 }), fc.constantFrom(0xffff, 0x7fffffff, 0xffffffff)),
      }),
    },
  );
}

/** One hostile bundle: a few mutations, applied in order. */
export function mutations(others: readonly string[]): fc.Arbitrary<readonly Mutation[]> {
  return fc.array(mutation(others), { minLength: 1, maxLength: 4 });
}

/** The mutated bundle, within the file limits if the original was. */
export function mutated(files: BundleFiles, changes: readonly Mutation[]): BundleFiles {
  const result = new Map(files);
  for (const change of changes) {
    if (change.kind === 'claim') continue;
    const candidates = [...result.keys()].filter(
      (path) =>
        (change.kind === 'netlink') === path.endsWith('/netlink') &&
        (change.kind !== 'flood' || /^(?:host|cni)\/|^sandboxes\./.test(path)),
    );
    const path = pick(candidates, change.file);
    if (path === undefined) continue;
    const content = Buffer.from(result.get(path) ?? []);
    const next = apply(change, content, () =>
      result.get(pick([...result.keys()], 'from' in change ? change.from : 0) ?? ''),
    );
    if (next === null) result.delete(path);
    else if (next.length <= BUNDLE_LIMITS.fileBytes) result.set(path, next);
  }
  return result;
}

/** Pods by what identifies them: namespace, name, uid, address. */
export type Identity = readonly [namespace: string, name: string, uid: string, address: string];

/** Replaces the words of one pod by those of another, in any text; the rest of a claim is an old date. */
export function claims(
  changes: readonly Mutation[],
  own: readonly Identity[],
  others: readonly Identity[],
): { readonly files: (path: string, text: string) => string; readonly status: (text: string) => string } {
  const all = changes.filter((change) => change.kind === 'claim');
  const swapped = (text: string, change: (typeof all)[number]): string => {
    const mine = own[Math.floor(change.own * own.length)];
    const theirs = others[Math.floor(change.other * others.length)];
    if (mine === undefined || theirs === undefined) return text;
    const places = change.what === 'address' ? [3] : [0, 1, 2];
    return places.reduce(
      (result, place) => result.replaceAll(`"${mine[place]}"`, `"${theirs[place]}"`),
      text,
    );
  };
  return {
    files: (path, text) =>
      path === 'sandboxes.files' && all.length > 0
        ? text.replaceAll(/^\d+ /gm, '1 ')
        : all.reduce(swapped, text),
    status: (text) => all.filter(({ status, what }) => status && what === 'address').reduce(swapped, text),
  };
}

/** Files of one kind are one choice: a node has forty namespaces and one list of pins. */
function pick(paths: readonly string[], choice: number): string | undefined {
  const kinds = [...new Set(paths.map(kindOf))];
  const kind = kinds[Math.floor(choice * kinds.length)];
  const own = paths.filter((path) => kindOf(path) === kind);
  return own[Math.floor(((choice * kinds.length) % 1) * own.length)];
}

const kindOf = (path: string): string => path.replace(/^netns\/\d+/, 'netns/*');

function apply(
  change: Exclude<Mutation, { kind: 'claim' }>,
  content: Buffer,
  other: () => Uint8Array | undefined,
): Uint8Array | null {
  switch (change.kind) {
    case 'bytes': {
      const at = Math.floor(change.at * (content.length + 1));
      return Buffer.concat([
        content.subarray(0, at),
        Buffer.from(change.put),
        content.subarray(at + change.cut),
      ]);
    }
    case 'value':
      return Buffer.from(withValue(content.toString(), change));
    case 'lines':
      return Buffer.from(withLines(content.toString(), change));
    case 'repeat':
    case 'flood':
      return repeated(content.toString(), change);
    case 'file':
      if (change.act === 'delete') return null;
      if (change.act === 'empty') return new Uint8Array();
      return change.act === 'copy' ? (other() ?? content) : filled(content);
    case 'deep': {
      const close = change.open === '[' ? ']' : '}';
      const nested = `${change.open.repeat(change.depth)}1${close.repeat(change.depth)}`;
      return Buffer.from(withValue(content.toString(), { at: change.at, value: nested, scope: 'one' }));
    }
    case 'netlink':
      return withNetlink(content, change);
  }
}

/** Replaces a word, number or quoted text of the file, or several. */
function withValue(text: string, { at, value, scope }: { at: number; value: string; scope: Scope }): string {
  const within = (result: string): string => result.slice(0, BUNDLE_LIMITS.fileBytes / 4);
  if (scope === 'numbers') return within(text.replaceAll(/\b\d+\b/g, () => value));
  if (scope === 'words') return within(text.replaceAll(/(?<=[":=\s])[a-z][\w.-]{5,}/g, () => value));
  const words = [...text.slice(0, 200_000).matchAll(/[^\s"',:={}[\]]+/g)];
  const word = words[Math.floor(at * words.length)];
  if (word === undefined) return value;
  return scope === 'same' && word[0].length > 2
    ? within(text.split(word[0]).join(value))
    : text.slice(0, word.index) + value + text.slice(word.index + word[0].length);
}

function withLines(
  text: string,
  { at, act }: { at: number; act: 'delete' | 'swap' | 'cut' | 'merge' },
): string {
  const lines = text.split('\n');
  const index = Math.floor(at * lines.length);
  const line = lines[index] ?? '';
  if (act === 'delete') lines.splice(index, 1);
  else if (act === 'cut') lines.splice(index, lines.length, line.slice(0, Math.floor(line.length / 2)));
  else if (act === 'merge') lines.splice(index, 2, `${line}${lines[index + 1] ?? ''}`);
  else lines.splice(index, 2, lines[index + 1] ?? '', line);
  return lines.join('\n');
}

/** Repeats a line up to the limit of a file, unchanged or with different numbers. */
function repeated(
  text: string,
  { at, times, distinct }: { at: number; times: number; distinct: boolean },
): Uint8Array {
  const lines = text.split('\n');
  const place = Math.floor(at * lines.length);
  const line = lines[place] || lines[place - 1];
  if (line === undefined || line === '') return Buffer.from(text);
  const room = Math.floor((BUNDLE_LIMITS.fileBytes - text.length) / (line.length + 1)) - 1;
  const copies = Array.from({ length: Math.max(0, Math.min(times, room)) }, (_, copy) =>
    distinct ? varied(line, copy) : line,
  );
  // At its original position: some lists end with their length.
  return Buffer.from([...lines.slice(0, place), ...copies, ...lines.slice(place)].join('\n'));
}

/** Increments the longest number, or run of hexadecimal digits, of the line; its length stays. */
function varied(line: string, copy: number): string {
  const numbers = [...line.slice(0, 2_000).matchAll(/[0-9a-f]{4,}/g)].sort(
    (a, b) => b[0].length - a[0].length,
  );
  const [number] = numbers;
  if (number === undefined) return line;
  const kept = number[0].slice(0, Math.max(0, number[0].length - 6));
  const counted = String(copy).padStart(6, '0').slice(-Math.min(6, number[0].length));
  return line.slice(0, number.index) + kept + counted + line.slice(number.index + number[0].length);
}

function filled(content: Buffer): Uint8Array {
  if (content.length === 0) return content;
  return Buffer.alloc(Math.floor(BUNDLE_LIMITS.fileBytes / content.length) * content.length, content);
}

/** Wrong lengths, attributes in attributes, messages without end. */
function withNetlink(
  content: Buffer,
  { at, act, value }: { at: number; act: NetlinkAct; value: number },
): Uint8Array {
  const starts: number[] = [];
  for (let start = 0; start + 16 <= content.length; ) {
    starts.push(start);
    const length = content.readUInt32LE(start);
    if (length < 16) break;
    start += Math.ceil(length / 4) * 4;
  }
  const start = starts[Math.floor(at * starts.length)];
  if (start === undefined) return content;
  const bytes = Buffer.from(content);
  const inside = start + 16 + (Math.floor(at * 1e6) % 40);
  switch (act) {
    case 'length':
      if (value < 70 && start + 34 <= bytes.length) bytes.writeUInt16LE(value, start + 32);
      else bytes.writeUInt32LE(value, start);
      return bytes;
    case 'type':
      bytes.writeUInt16LE(value & 0xffff, start + 4);
      return bytes;
    case 'cut':
      return bytes.subarray(0, Math.min(bytes.length, start + value));
    case 'number':
      if (inside + 4 <= bytes.length) bytes.writeUInt32LE(value, inside);
      return bytes;
    case 'repeat': {
      const end = (start + bytes.readUInt32LE(start) + 3) & ~3;
      const room = Math.floor((BUNDLE_LIMITS.fileBytes - bytes.length) / Math.max(16, end - start));
      const copies = Math.max(0, Math.min(value * 20, 20_000, room));
      const many = Buffer.concat(Array.from({ length: copies }, () => bytes.subarray(start, end)));
      return Buffer.concat([bytes.subarray(0, end), many, bytes.subarray(end)]);
    }
    case 'nest': {
      let nested: Buffer = Buffer.from([8, 0, 1, 0, 1, 0, 0, 0]);
      for (let depth = 0; depth < 200; depth += 1) {
        const head = Buffer.alloc(4);
        head.writeUInt16LE(nested.length + 4, 0);
        head.writeUInt16LE(18 | 0x8000, 2);
        nested = Buffer.concat([head, nested]);
      }
      const length = bytes.readUInt32LE(start);
      const end = Math.min(bytes.length, start + length);
      bytes.writeUInt32LE(length + nested.length, start);
      return Buffer.concat([bytes.subarray(0, end), nested, bytes.subarray(end)]);
    }
  }
}
