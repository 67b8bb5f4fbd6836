/** All functions of a deployment: as many sandboxes of each as are busy at once, like Lambda. */
import { datapointsOf } from './alarms.ts';
import type { Deployed, DeployedFunction } from './deployed.ts';
import { FunctionError, Sandbox } from './sandbox.ts';

export type Metric = { readonly name: string; readonly value: number; readonly cluster: string | undefined };

export class Functions {
  /** Maximum seconds for a state, if lower than in the template. */
  readonly seconds = new Map<string, number>();
  readonly #functions: readonly DeployedFunction[];
  readonly #endpoint: string;
  readonly #sandboxes: { readonly state: string; readonly sandbox: Sandbox }[] = [];

  constructor({ functions }: Deployed, endpoint: string) {
    this.#functions = functions;
    this.#endpoint = endpoint;
  }

  async invoke(arn: string, event: unknown): Promise<unknown> {
    const called = this.#functions.find((each) => each.arn === arn);
    if (called === undefined) throw new FunctionError('Lambda.ResourceNotFoundException', arn);
    const { state } = called;
    const idle = this.of(state).find((each) => !each.busy && !each.dead);
    return await (idle ?? (await this.#start(called))).invoke(event, this.seconds.get(state));
  }

  async #start(called: DeployedFunction): Promise<Sandbox> {
    const sandbox = await Sandbox.start(called, {
      AWS_ENDPOINT_URL: this.#endpoint,
      AWS_REGION: 'eu-west-1',
      // Which caller each set of credentials belongs to.
      AWS_ACCESS_KEY_ID: `role-of-${called.state}`,
    });
    this.#sandboxes.push({ state: called.state, sandbox });
    return sandbox;
  }

  of(state: string): Sandbox[] {
    return this.#sandboxes.filter((each) => each.state === state).map(({ sandbox }) => sandbox);
  }

  get log(): string {
    return this.#sandboxes.map(({ sandbox }) => sandbox.log).join('\n');
  }

  /** Milliseconds until each state could take its first event. */
  coldStarts(): Record<string, number> {
    return Object.fromEntries(
      this.#sandboxes.map(({ state, sandbox }) => [state, Math.round(sandbox.coldStart)]),
    );
  }

  /** Values of a metric in the order they were emitted, each with its cluster. */
  metrics(name: string): Metric[] {
    return datapointsOf(this.log)
      .filter(({ metric }) => metric === name)
      .map(({ value, dimensions }) => ({ name, value, cluster: dimensions.cluster }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sandboxes.map(({ sandbox }) => sandbox.stop()));
  }
}
