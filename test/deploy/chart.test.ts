import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chartFiles } from '../../scripts/chart.ts';
import { FILES } from '../../scripts/package/contents.ts';

const text = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

describe('the chart', () => {
  it.each(Object.entries(chartFiles()))('has of %s what `npm run generate` makes', (file, content) => {
    expect(text(`deploy/chart/netns-auditor/${file}`)).toBe(content);
  });

  it('has the version of the program, as the policy admits the pods of that version alone', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string };
    expect(parse(text('deploy/chart/netns-auditor/Chart.yaml'))).toMatchObject({
      version,
      appVersion: version,
    });
  });
});

describe('the recipe of the image', () => {
  const recipe = text('deploy/image/Dockerfile');

  it('runs the program as a user without a name, by its number, which Kubernetes can check', () => {
    expect(recipe).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(recipe).toMatch(/^ENTRYPOINT \["node", "\/app\/bin\/netns-audit\.js"\]$/m);
  });

  it('has the folders that the program reads from', () => {
    for (const folder of ['program', 'lib', 'deploy'])
      expect(recipe).toMatch(new RegExp(`^COPY --from=build /src/dist/${folder} /app/${folder}$`, 'm'));
    expect(FILES).toEqual(expect.arrayContaining(['lib/probe/probe', 'lib/probe/repair']));
  });
});
