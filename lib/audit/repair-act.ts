/** What each kind of act gets, and answers with. */
import type { Store } from '../history/index.ts';
import type { RepairObject } from '../model/repair-record.ts';
import type { ClusterReport } from '../model/report.ts';
import type { RepairAnswer } from '../probe/index.ts';
import type { Act } from '../repair/act.ts';
import type { Pace } from './pace.ts';

export type RepairOptions = {
  readonly runId: string;
  /** Namespace of the pods that repair nodes. */
  readonly repairNamespace: string;
  readonly image: string;
  readonly pullSecret: string | null;
  /** Minimum age of a namespace, in seconds. */
  readonly settleSeconds: number;
  /** Seconds for one pod that repairs a node. */
  readonly repairSeconds: number;
  readonly store: Store;
  /** Looks at one node now, at pods of any age; with a canary a pod is started there and ended as well. */
  readonly look: (node: string, also?: { readonly canary: boolean }) => Promise<ClusterReport>;
  /** Everything but the act. */
  readonly rehearse: boolean;
  /** Accepts controllers other than those of Kubernetes: named pods may have any. */
  readonly anyController: boolean;
  /** A reboot may lose these pods, or the data that they keep on the node. */
  readonly mayLose: readonly { readonly namespace: string; readonly name: string }[];
  /** Called with a sentence on each step of an act that takes long. */
  readonly say: (step: string) => void;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onResult: (result: ActResult) => void;
};

export type ActResult = {
  readonly act: Act;
  /** Surprise: something was done, and its proof failed. Unseen: a rehearsal could not check everything. */
  readonly result: 'done' | 'rehearsed' | 'refused' | 'unseen' | 'surprise';
  readonly detail: string;
  /** The outcome of each object, for acts with many. */
  readonly answers: readonly RepairAnswer[];
  /** What a person does next, in lines; below each, commands. */
  readonly next?: readonly string[];
};

/** The outcome of an act, and of each object if it has many. */
export type RepairResult = {
  readonly ok: boolean;
  readonly detail: string;
  readonly answers?: readonly RepairAnswer[];
  readonly next?: readonly string[];
  /** Its record gets no end, so that the next call says it again. */
  readonly isOpen?: true;
};

export type ActContext = RepairOptions & { readonly renew: () => Promise<void> };

/** The answer of each kind of act after its check: why not, or how to continue. */
export type ExaminedAct =
  | { readonly refused: string }
  | {
      /** What is about to change, for the record. */
      readonly object: RepairObject;
      /** Everything but the act: what it would do. */
      readonly rehearse: () => Promise<RepairResult>;
      /** Acts, and proves it. */
      readonly act: () => Promise<RepairResult>;
      /** The object after it, for the record. */
      readonly after: (repair: RepairResult) => RepairObject;
    };

const RENEWAL_MILLISECONDS = 60_000;

/** Renews the lease whenever a minute has passed since, for steps that take longer than it is held. */
export function renewing({ renew }: Pick<ActContext, 'renew'>): () => Promise<void> {
  let renewed = Date.now();
  return async () => {
    if (Date.now() - renewed <= RENEWAL_MILLISECONDS) return;
    await renew();
    renewed = Date.now();
  };
}
