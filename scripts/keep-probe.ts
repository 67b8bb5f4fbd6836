/**
 * Keeps the probe of a release for the policy of the next one: `git show vX.Y.Z:deploy/admission-policy.yaml
 * | npm run keep-probe -- X.Y.Z`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { probeOf } from './earlier-probe.ts';

const [version] = process.argv.slice(2);
if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version))
  throw new Error('name the version, such as 1.2.0');
const kept = probeOf(version, readFileSync(0, 'utf8'));
writeFileSync(new URL('earlier-probe.json', import.meta.url), `${JSON.stringify(kept, null, 2)}\n`);
