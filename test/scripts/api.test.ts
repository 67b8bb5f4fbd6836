/** docs/api.md matches the declarations of the package. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { apiPage } from '../../scripts/api.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const made = (props: string): string =>
  `export type NetnsAuditorProps = {\n${props}\n};\n/** Audits. */\nexport declare class NetnsAuditor extends Construct {\n    /** Reports. */\n    readonly bucket: Bucket;\n}\n`;

describe('docs/api.md', () => {
  it('is what the construct declares: npm run generate', () => {
    const folder = mkdtempSync(join(tmpdir(), 'netns-auditor-api-'));
    try {
      execFileSync(process.execPath, [join(root, 'scripts/generate-api.ts'), join(folder, 'api.md')]);
      expect(readFileSync(join(folder, 'api.md'), 'utf8')).toBe(
        readFileSync(join(root, 'docs/api.md'), 'utf8'),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);

  it('shows a prop with its fields, and what is taken without it', () => {
    const page = apiPage(
      made(
        "    /**\n     * When.\n     * @default - at night\n     */\n    readonly schedule?: Config['schedule'];",
      ),
      {
        properties: {
          schedule: {
            type: 'object',
            properties: { zone: { type: 'string', default: 'UTC' }, at: { enum: ['a', 'b'] } },
            required: ['at'],
          },
        },
      },
    );
    expect(page).toContain("| [`schedule`](#schedule) | `Config['schedule']` | When. | at night |");
    expect(page).toContain('| `zone` | `string` |  | `"UTC"` |');
    expect(page).toContain('| `at` | `"a" \\| "b"` |  | **required** |');
    expect(page).toContain('| `bucket` | `Bucket` | Reports. |');
  });

  it('is not made of a member without a comment', () => {
    expect(() => apiPage(made('    readonly clusters: Clusters;'), {})).toThrow(
      '1 members follow "export type NetnsAuditorProps = {", and 0 of them have a comment',
    );
  });
});
