/** All work on one bundle: unpack, parse, join, judge. Plain data in, plain data out, as it runs in its own process. */
import { ownershipOf, podContainerIds, sandboxesByInode } from '../computed/pods/ownership.ts';
import { whyNotInApi } from '../computed/pods/sandbox-pod.ts';
import type { CheckSet } from '../model/check-set.ts';
import { AuditError, type ErrorCode, messageOf } from '../model/errors.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Snapshot } from '../model/kubernetes.ts';
import type { NodeResult } from '../model/node-result.ts';
import {
  type BundleFiles,
  buildEvidence,
  type RunRecord,
  readArchive,
  type StoredEvidence,
  unpackLog,
} from '../probe/index.ts';
import { type CanaryRun, canaryLeftovers } from './canary.ts';
import { checksFor } from './checks-for.ts';
import { judgeNode } from './judge-node.ts';

/** A bundle as the node printed it, with the API's data, or as kept. */
export type Work =
  | {
      readonly kind: 'log';
      readonly log: string;
      readonly before: Snapshot;
      readonly after: Snapshot;
      readonly canary: CanaryRun | null;
      readonly record: { readonly active: Parameters<typeof checksFor>[0] } & Pick<
        RunRecord,
        'settleSeconds'
      >;
      readonly checks: CheckSet;
      /** The snapshot has no events of pods being killed; the answer may be that they are needed. */
      readonly mayAskForKillings: boolean;
    }
  | { readonly kind: 'archive'; readonly archive: Uint8Array };

/** Known once unpacked, even if judging fails: files of a log, facts of an archive. */
export type Unpacked = {
  readonly files: BundleFiles | null;
  readonly stored: Omit<StoredEvidence, 'files'> | null;
};

export type BundleAnswer =
  | { readonly kind: 'judged'; readonly result: NodeResult }
  | { readonly kind: 'needsKillings' }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly remedy: string;
      readonly retryable: boolean;
    };

/** Never throws: errors are answers. */
export async function judgeBundle(
  work: Work,
  onUnpacked: (unpacked: Unpacked) => Promise<void>,
): Promise<BundleAnswer> {
  try {
    return work.kind === 'log' ? await judgeLog(work, onUnpacked) : await judgeArchive(work, onUnpacked);
  } catch (error) {
    return failed(error);
  }
}

/** An error as plain data, to leave the process that judges. */
export function failed(thrown: unknown): Extract<BundleAnswer, { kind: 'failed' }> {
  const { code, message, remedy, retryable } =
    thrown instanceof AuditError ? thrown : notJudged(`: ${messageOf(thrown)}`);
  return { kind: 'failed', code, message, remedy, retryable };
}

/** @param how - ends the sentence, such as ` within 20 seconds` */
export function notJudged(how: string): AuditError {
  return new AuditError('BUNDLE_INVALID', `its bundle could not be judged${how}`, {
    remedy:
      'Audit this node again. If it repeats, check who is root on it: no healthy node prints such a bundle.',
  });
}

async function judgeLog(
  work: Extract<Work, { kind: 'log' }>,
  onUnpacked: (unpacked: Unpacked) => Promise<void>,
): Promise<BundleAnswer> {
  const { before, after, record } = work;
  const files = await unpackLog(work.log);
  await onUnpacked({ files, stored: null });
  const evidence = assemble({ ...work, files }, record);
  const asks =
    work.mayAskForKillings &&
    (hasSandboxWithoutPod(evidence) || (record.settleSeconds.orphan === 0 && hasPinWithoutSandbox(evidence)));
  if (asks) return { kind: 'needsKillings' };
  const checks = checksFor(record.active, work.checks);
  return {
    kind: 'judged',
    result: judgeNode({ before, after, evidence, coverage: null }, checks, record.settleSeconds),
  };
}

async function judgeArchive(
  { archive }: Extract<Work, { kind: 'archive' }>,
  onUnpacked: (unpacked: Unpacked) => Promise<void>,
): Promise<BundleAnswer> {
  const { files, ...stored } = await readArchive(archive);
  await onUnpacked({ files: null, stored });
  const { before, after, audit } = stored;
  const { settleSeconds, coverage, canary } = audit;
  const evidence =
    after === null || files === null ? null : assemble({ before, after, files, canary }, audit);
  return {
    kind: 'judged',
    result: judgeNode({ before, after, evidence, coverage }, checksFor(audit.active), settleSeconds),
  };
}

/** Turns gathered data, new or years old, into evidence. Pure. */
function assemble(
  gathered: {
    readonly before: Snapshot;
    readonly after: Snapshot;
    readonly files: BundleFiles;
    readonly canary: CanaryRun | null;
  },
  { settleSeconds, active }: Extract<Work, { kind: 'log' }>['record'],
): Evidence {
  const { canary, files, before, after } = gathered;
  const evidence = buildEvidence({ files, before, after, settleSeconds, active });
  if (canary === null) return evidence;
  const value = { ...canary, leftovers: canaryLeftovers(evidence, canary.pod) };
  return { ...evidence, canary: { status: 'present', value } };
}

/**
 * With a grace period of 0 the API forgets a pod at once, and only the kubelet's events show that it is being
 * killed.
 */
function hasSandboxWithoutPod({ sandboxes, pods }: Evidence): boolean {
  if (sandboxes.status !== 'present' || pods.status !== 'present') return false;
  const known = new Set(pods.value.map(({ uid }) => uid));
  return sandboxes.value.some((sandbox) => !known.has(sandbox.uid) && whyNotInApi(sandbox) === null);
}

/** The last trace of a pod, or a leak: judging without a settle time must tell them apart. */
function hasPinWithoutSandbox({ namespaces, pins, sandboxes }: Evidence): boolean {
  if (namespaces.status !== 'present' || pins.status !== 'present' || sandboxes.status !== 'present')
    return false;
  const owners = sandboxesByInode({
    namespaces: namespaces.value,
    pins: pins.value,
    sandboxes: sandboxes.value,
  });
  const ids = podContainerIds(sandboxes.value);
  return namespaces.value.some((namespace) => ownershipOf(namespace, owners, ids).kind === 'pinned');
}
