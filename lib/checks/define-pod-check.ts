/**
 * The frame of a check that judges the pods of a node one by one: the questions that all such checks share
 * are lists, and `judge` is the check itself.
 */
import type { PodNetwork, SourceName, Sources } from '../model/evidence.ts';
import type { AuditedObject } from '../model/finding.ts';
import type { NetworkStack } from '../model/network.ts';
import {
  type Check,
  type CheckContext,
  defineCheck,
  type Failure,
  fail,
  notApplicable,
  type Outcome,
  pass,
  podObject,
  unknown,
} from './define.ts';

/** Something could not be read; never healthy. */
type Unknown = { readonly unknown: string };

/**
 * Why a pod is not judged; null if this question does not exclude it. A text makes the pod not applicable.
 * A question may need fewer sources than the check that asks it, never more.
 */
export type Question<Need extends SourceName = never> = (
  network: PodNetwork,
  sources: Pick<Sources, Need>,
  context: CheckContext,
) => string | null;

/**
 * For checks that look into the pod's namespace: if it could not be read, the pod is unknown, so `judge`
 * receives only readable ones.
 */
type NamespaceQuestion = 'namespace unread';

const UNREAD: Unknown = { unknown: 'the namespace of the pod could not be read' };

/** A pod whose namespace was read. */
type ReadPodNetwork = PodNetwork & { readonly stack: NetworkStack };

/**
 * What a check concludes about one pod: `pass`, a failure, what could not be read, or why the pod is not
 * judged, in words.
 */
type PodOutcome = 'pass' | Failure | Unknown | (string & {});

type PodCheck<
  Need extends SourceName,
  Asked extends readonly (NamespaceQuestion | Question<Need>)[],
  Facts,
> = Omit<Check<Need>, 'scope' | 'run'> & {
  /** Asked about every pod, in this order; the first answer is the reason why the pod is not judged. */
  readonly unless?: Asked;
  /** Computed once for all pods of the node and passed to `judge` with the sources. */
  facts?(sources: Pick<Sources, Need>, context: CheckContext): Facts;
  /** Called with each pod that no question of `unless` excluded. */
  judge(
    network: NamespaceQuestion extends Asked[number] ? ReadPodNetwork : PodNetwork,
    facts: Pick<Sources, Need> & Facts,
    context: CheckContext,
  ): PodOutcome;
  /**
   * Asked about every pod that did not pass, in this order: faults that another check reports and that
   * explain this one. They also explain unknowns: once the cause is known, nobody needs the symptom.
   */
  readonly explainedBy?: readonly Question<Need>[];
};

/** `explainedBy` also sees the pods' networks. */
type WithPods<Need> = 'podNetworks' extends Need ? unknown : { readonly needs: "must name 'podNetworks'" };

/** @returns a check with one outcome for each pod of the node that has its own network, in the order of the evidence */
export function definePodCheck<
  const Need extends SourceName,
  const Asked extends readonly (NamespaceQuestion | Question<Need>)[] = [],
  Facts extends object = object,
>(check: PodCheck<Need, Asked, Facts> & WithPods<Need>): Check<Need> {
  const { unless, facts, judge, explainedBy, ...rest }: PodCheck<Need, Asked, Facts> = check;
  return defineCheck<Need>({
    ...rest,
    run(sources, context) {
      const { podNetworks } = sources as unknown as Pick<Sources, 'podNetworks'>;
      const seen = { ...sources, ...facts?.(sources, context) } as Pick<Sources, Need> & Facts;
      return podNetworks.map((network) => {
        const object = podObject(network.pod, context.node);
        const before = firstAnswer(unless ?? [], network, sources, context);
        if (before !== null) return outcomeOf(object, before);
        const said = judge(network as ReadPodNetwork, seen, context);
        if (said === 'pass') return pass(object);
        return outcomeOf(object, firstAnswer(explainedBy ?? [], network, sources, context) ?? said);
      });
    },
  });
}

/** @returns the first answer; null if no question answers */
export function firstAnswer<Need extends SourceName>(
  questions: readonly (NamespaceQuestion | Question<Need>)[],
  network: PodNetwork,
  sources: Pick<Sources, Need>,
  context: CheckContext,
): string | Unknown | null {
  for (const question of questions) {
    const answer =
      question === 'namespace unread'
        ? network.stack === null
          ? UNREAD
          : null
        : question(network, sources, context);
    if (answer !== null) return answer;
  }
  return null;
}

function outcomeOf(object: AuditedObject, said: PodOutcome): Outcome {
  if (typeof said === 'string') return said === 'pass' ? pass(object) : notApplicable(object, said);
  return 'unknown' in said ? unknown(object, said.unknown) : fail(object, said);
}

/** Refers the reader to the check that reports the cause. `why` is the text before the reference. */
export function see({ id }: Pick<Check, 'id'>, why?: string): string {
  return why === undefined ? `see ${id}` : `${why}: see ${id}`;
}

/** A question that runs another check on the same pod and answers if that check fails. */
export function failing<Need extends SourceName>(
  check: Check<Need>,
  why?: string,
): Question<Need | 'podNetworks'> {
  return (network, sources, context) => {
    const outcomes = check.run({ ...sources, podNetworks: [network] }, context);
    return outcomes.some(({ result }) => result === 'fail') ? see(check, why) : null;
  };
}
