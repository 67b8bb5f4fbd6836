/**
 * The probe of the release before: deploy/admission-policy.yaml of its tag has it, scripts/earlier-probe.json
 * keeps it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import type { EarlierProbe } from './admission-policy.ts';

const FILE = new URL('earlier-probe.json', import.meta.url);

const earlierSchema = z.strictObject({ version: z.string(), script: z.string(), differences: z.string() });
const policySchema = z.object({
  spec: z.object({ variables: z.array(z.object({ name: z.string(), expression: z.string() })) }),
});

/** What is kept; null before the second release. */
export function earlierProbe(): EarlierProbe | null {
  return existsSync(FILE) ? earlierSchema.parse(JSON.parse(readFileSync(FILE, 'utf8'))) : null;
}

/** @param policy - the text of deploy/admission-policy.yaml of that version */
export function probeOf(version: string, policy: string): EarlierProbe {
  const { variables } = policySchema.parse(parseAllDocuments(policy)[0]?.toJS()).spec;
  const of = (name: string): string => {
    const found = variables.find((each) => each.name === name);
    if (found === undefined) throw new Error(`the policy has no variable ${name}`);
    return found.expression;
  };
  const script = of('script');
  if (!script.startsWith("r'''") || !script.endsWith("'''"))
    throw new Error('the script of the policy is no raw text of CEL');
  return { version, script: script.slice(4, -3), differences: of('differencesFromProbe') };
}
