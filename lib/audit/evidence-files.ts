import type { Run, Store } from '../history/index.ts';
import type { Gathering } from './audit-node.ts';
export async function keepEvidence(_store: Store, _run: Run, _gathering: Gathering): Promise<void> {}
export async function analyze(): Promise<void> {}
