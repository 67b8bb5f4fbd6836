import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../lib/checks/catalogue.ts';
import { cell, coveragePage, networks } from '../scripts/coverage.ts';
import { allFaults } from './e2e/faults/index.ts';
import { readSeen } from './e2e/seen.ts';

const calico = networks.find(([name]) => name === 'Calico')?.[1];
const cilium = networks.find(([name]) => name === 'Cilium')?.[1];

describe('docs/coverage.md', () => {
  it('is what npm run generate makes of the faults and of what runs noted', () => {
    expect(readFileSync(new URL('../docs/coverage.md', import.meta.url), 'utf8')).toBe(coveragePage());
  });

  it('says seen of what a run noted, and nothing of what does not exist on a network', () => {
    const fault = allFaults.find(({ id }) => id === 'calico-address-leaked');
    if (fault === undefined || calico === undefined || cilium === undefined) throw new Error('renamed');
    expect(cell(fault, calico, {})).toBe('not tried');
    expect(cell(fault, calico, { calico: [fault.id] })).toBe('seen');
    expect(cell(fault, cilium, { calico: [fault.id] })).toBe('–');
  });

  it('knows every fault that a run noted, each once, by a check that exists', () => {
    const ids = allFaults.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const noted of Object.values(readSeen()).flat()) expect(ids).toContain(noted);
    const checks = catalogue.map(({ id }) => id);
    for (const { check } of allFaults) expect(checks).toContain(check);
    // As `npm run new:check` leaves it.
    for (const { id, inject } of allFaults) expect(inject, id).not.toContain('write in test/e2e/faults');
  });
});
