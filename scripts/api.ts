/** docs/api.md: what the package exports, generated from its declarations and from the configuration's schema. */

/** The parts of a JSON Schema that are used here. */
type Schema = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
};

type Member = { name: string; optional: boolean; type: string; text: string; fallback: string };

const REQUIRED = '**required**';

const HEAD = `# The construct

\`npm run generate\` writes this page from the package's declarations. It lists what you can import from \`netns-auditor\`;
everything else in the package may change. [installing.md](installing.md) has a first app.
`;

/**
 * @param declarations - the text of netns-auditor.d.ts
 * @param config - schema/config.v1.json
 * @throws Error if the declarations are in an unknown form
 */
export function apiPage(declarations: string, config: Schema): string {
  const props = membersOf(declarations, 'export type NetnsAuditorProps = {');
  const attributes = membersOf(declarations, 'export declare class NetnsAuditor extends Construct {');
  const [, about] = /\/\*\* ([^\n]+) \*\/\nexport declare class NetnsAuditor /.exec(declarations) ?? [];
  if (about === undefined) throw new Error('the class NetnsAuditor has no comment');
  return [
    HEAD,
    '## NetnsAuditor',
    `\`new NetnsAuditor(scope: Construct, id: string, props: NetnsAuditorProps)\``,
    about,
    table(
      ['attribute', 'type', ''],
      attributes.map(({ name, type, text }) => [code(name), code(type), text]),
    ),
    ...methodsOf(declarations),
    '## NetnsAuditorProps',
    table(
      ['prop', 'type', '', 'default'],
      props.map(({ name, optional, type, text, fallback }) => [
        linked(name, config),
        code(type),
        text,
        optional ? fallback : REQUIRED,
      ]),
    ),
    ...props.flatMap(
      ({ name, type }) =>
        declaredFieldsOf(declarations, name, type) ?? fieldsOf(name, config.properties?.[name]),
    ),
  ]
    .join('\n\n')
    .concat('\n')
    .replaceAll(/\n{3,}/g, '\n\n');
}

/** Members of a type or class, each with its comment, up to the line that ends the type. */
function membersOf(declarations: string, opening: string): Member[] {
  const start = declarations.indexOf(opening);
  if (start === -1) throw new Error(`the declarations have no "${opening}"`);
  const body = declarations.slice(start + opening.length, declarations.indexOf('\n}', start));
  const found = [...body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)(\??): ([^;]+);/g)];
  const readable = body.match(/^ {4}readonly /gm)?.length ?? 0;
  if (found.length === 0 || found.length !== readable)
    throw new Error(`${readable} members follow "${opening}", and ${found.length} of them have a comment`);
  return found.map(([, comment = '', name = '', mark, type = '']) => {
    const words = comment.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim();
    const [text = '', fallback = ''] = words.split(/@default (?:- )?/);
    return { name, optional: mark === '?', type, text: text.trim(), fallback: fallback.trim() };
  });
}

/** The methods of the construct. */
function methodsOf(declarations: string): string[] {
  const body = declarations.slice(declarations.indexOf('export declare class NetnsAuditor '));
  const found = [...body.matchAll(/\/\*\* ([^\n]+) \*\/\n {4}(\w+)\((.*)\): /g)];
  if (found.length === 0) return [];
  const rows = found.map(([, text = '', name, parameters]) => [code(`${name}(${parameters})`), text]);
  return [table(['method', ''], rows)];
}

/** A section with the fields of a prop whose entries are a type of their own; null for any other. */
function declaredFieldsOf(declarations: string, name: string, type: string): string[] | null {
  const [, entry = ''] = /^readonly (\w+Props)\[\]$/.exec(type) ?? [];
  if (entry === '') return null;
  const rows = membersOf(declarations, `export type ${entry} = {`).map((field) => [
    code(field.name),
    code(field.type),
    field.text,
    field.optional ? field.fallback : REQUIRED,
  ]);
  return [`### ${name}`, 'Fields, of each entry:', table(['field', 'type', '', 'default'], rows)];
}

/** A section with the fields of a prop, if it has any. */
function fieldsOf(name: string, schema: Schema | undefined): string[] {
  if (schema === undefined) return [];
  const rows = rowsOf('', schema);
  if (rows.length === 0) return [];
  const kind = schema.items === undefined ? '' : ', of each entry';
  return [`### ${name}`, `Fields${kind}:`, table(['field', 'type', '', 'default'], rows)];
}

function rowsOf(prefix: string, schema: Schema): string[][] {
  if (schema.items !== undefined) return rowsOf(prefix, schema.items);
  if (schema.anyOf !== undefined) return rowsOfForms(prefix, schema.anyOf);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const needed = schema.required?.includes(name) === true;
    const below = rowsOf(`${path}${field.items === undefined ? '' : '[]'}.`, field);
    const standard = field.default === undefined ? '' : code(JSON.stringify(field.default));
    return [
      [code(path), code(typeOf(field)), field.description ?? '', needed ? REQUIRED : standard],
      ...below,
    ];
  });
}

/** For an entry with several forms: the fields that all forms have, and those of each. */
function rowsOfForms(prefix: string, forms: readonly Schema[]): string[][] {
  const inAll = (path: string) =>
    forms.every((form) => rowsOf(prefix, form).some(([first]) => first === path));
  const rows = new Map<string, string[]>();
  for (const form of forms)
    for (const [path = '', type = '', text = '', standard = ''] of rowsOf(prefix, form)) {
      const oneOf = standard === REQUIRED && !inAll(path) && !path.includes('.');
      const words = oneOf && text === '' ? (form.description ?? '') : text;
      rows.set(path, [path, type, words, oneOf ? '**required**, in one form of an entry' : standard]);
    }
  return [...rows.values()];
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(' | ');
  if (schema.items !== undefined) {
    const type = typeOf(schema.items);
    return type.includes('|') ? `(${type})[]` : `${type}[]`;
  }
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' | ');
  return schema.type ?? 'any';
}

function linked(name: string, config: Schema): string {
  const schema = config.properties?.[name];
  return schema === undefined || rowsOf('', schema).length === 0
    ? code(name)
    : `[${code(name)}](#${name.toLowerCase()})`;
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
