/**
 * A deployment with everything it needs: the functions in sandboxes, AWS by moto, clusters by API servers in
 * this process.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CreateClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AwsSecurityFinding, paginateGetFindings, SecurityHubClient } from '@aws-sdk/client-securityhub';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { openStore } from '../../lib/audit/index.ts';
import type { Store } from '../../lib/history/index.ts';
import type { ClusterConfig } from '../../lib/model/clusters.ts';
import { configSchema } from '../../lib/model/config.ts';
import { addNode, type Recording, serveRecording } from '../audit/recorded.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { type Datapoint, datapointsOf, raisedBy } from './alarms.ts';
import { ACCOUNT, BUCKET, type Deployed, deployed, REGION } from './deployed.ts';
import { Front } from './front.ts';
import { Functions } from './functions.ts';
import { type Moto, startMoto } from './moto.ts';
import { type Execution, execute } from './states.ts';

const OTHER_ROLE = 'arn:aws:iam::444455556666:role/reader';
const QUEUE = `http://127.0.0.1/${ACCOUNT}/mails`;
const certificate = readFileSync(new URL('../stub/test-only.cert.pem', import.meta.url));

type Recorded = 'healthy' | 'broken';
export type Mail = { readonly cluster: string; readonly subject: string; readonly text: string };

export class Cloud {
  readonly moto: Moto;
  readonly front: Front;
  readonly store: Store;
  /** lab through its kubeconfig; own, an EKS cluster of the account; other, one of another account. */
  readonly clusters: Readonly<Record<'lab' | 'own' | 'other', StubApiServer>>;
  readonly deployed: Deployed;
  readonly functions: Functions;
  readonly #stubs: StubApiServer[];

  private constructor(
    parts: Pick<Cloud, 'moto' | 'front' | 'store' | 'clusters' | 'deployed' | 'functions'>,
  ) {
    this.moto = parts.moto;
    this.front = parts.front;
    this.store = parts.store;
    this.clusters = parts.clusters;
    this.deployed = parts.deployed;
    this.functions = parts.functions;
    this.#stubs = Object.values(parts.clusters);
  }

  static async start(): Promise<Cloud> {
    const moto = await startMoto();
    const front = await Front.start(moto.endpoint);
    await new S3Client({ forcePathStyle: true }).send(
      new CreateBucketCommand({
        Bucket: BUCKET,
        CreateBucketConfiguration: { LocationConstraint: REGION },
      }),
    );
    await subscribeAQueue(moto.endpoint);
    const [lab, own, other] = await Promise.all([aStub('broken'), aStub('healthy'), aStub('healthy')]);
    const secret = await keepSecret('lab', lab.kubeconfig());
    const roleArn = OTHER_ROLE;
    await createCluster('own', new EKSClient({}));
    await createCluster(
      'other',
      new EKSClient({
        credentials: fromTemporaryCredentials({ params: { RoleArn: roleArn, RoleSessionName: 'setup' } }),
      }),
    );
    const ca = certificate.toString('base64');
    front.cluster = (name) => ({ endpoint: (name === 'own' ? own : other).url, ca });
    const made = deployed(
      configSchema.parse({
        clusters: [
          { name: 'lab', kubeconfigSecret: secret },
          { name: 'own', eks: { name: 'own', region: REGION } },
          { name: 'other', eks: { name: 'other', region: REGION, roleArn, externalId: 'abc' } },
        ],
        securityHub: true,
        subscriptions: [{ protocol: 'email', endpoint: 'on-call@example.com' }],
      }),
    );
    const store = openStore(`s3://${BUCKET}`);
    if (store === null) throw new Error('no store');
    return new Cloud({
      moto,
      front,
      store,
      clusters: { lab, own, other },
      deployed: made,
      functions: new Functions(made, front.endpoint),
    });
  }

  /** A further cluster, through its kubeconfig. */
  async addCluster(
    name: string,
    recording: Recorded,
  ): Promise<{ stub: StubApiServer; recorded: Recording; config: ClusterConfig }> {
    const stub = await StubApiServer.start();
    this.#stubs.push(stub);
    const recorded = await show(stub, recording);
    return { stub, recorded, config: await this.keep(name, stub.kubeconfig()) };
  }

  /** The configuration of a cluster whose kubeconfig is in a secret. */
  async keep(name: string, kubeconfig: string): Promise<ClusterConfig> {
    return { name, kubeconfigSecret: await keepSecret(name, kubeconfig) };
  }

  /**
   * One execution of the synthesized machine.
   * @param clusters - instead of those of the configuration
   */
  async run(
    { day, schedule = 'nightly', checks }: { day: number; schedule?: string; checks?: 'counts' },
    clusters?: readonly ClusterConfig[],
    settings: Record<string, unknown> = {},
  ): Promise<Execution> {
    const definition = structuredClone(this.deployed.definition) as {
      States: { PlanFleet: { Parameters: { clusters: unknown; settings: Record<string, unknown> } } };
    };
    const parameters = definition.States.PlanFleet.Parameters;
    if (clusters !== undefined) parameters.clusters = clusters;
    Object.assign(parameters.settings, settings);
    return await execute(
      definition,
      {
        schedule,
        scheduledTime: `2026-11-${String(day).padStart(2, '0')}T02:00:00Z`,
        ...(checks === undefined ? {} : { checks }),
      },
      {
        id: `arn:aws:states:${REGION}:${ACCOUNT}:execution:audit:${randomUUID()}`,
        world: {
          invoke: async (arn, input) => await this.functions.invoke(arn, input),
          readObject: async (_, key) => Buffer.from((await this.store.get(key))?.body ?? '').toString(),
        },
      },
    );
  }

  /** Alarms that a run raises, were it the only one of its time. */
  alarms(run: Execution, since: number): string[] {
    const ofRun: Datapoint = {
      namespace: 'AWS/States',
      metric: run.status === 'FAILED' ? 'ExecutionsFailed' : 'ExecutionsSucceeded',
      dimensions: { StateMachineArn: this.deployed.machineArn },
      value: 1,
      at: since,
    };
    const told = datapointsOf(this.functions.log).filter(({ at }) => at >= since);
    return raisedBy([...told, ofRun], this.deployed.alarms);
  }

  /** The clusters as they were recorded, before pods came and went. */
  async restore(): Promise<void> {
    for (const [name, stub] of Object.entries(this.clusters)) {
      stub.nodes.length = 0;
      stub.events.length = 0;
      stub.pods.clear();
      await show(stub, name === 'lab' ? 'broken' : 'healthy');
    }
  }

  /** Mails that subscribers got. */
  async mails(): Promise<Mail[]> {
    const response = await fetch(`${this.moto.endpoint}/moto-api/data.json`);
    const { sns } = (await response.json()) as {
      sns?: { Topic?: { sent_notifications?: [string, string, string][] }[] };
    };
    return (sns?.Topic ?? [])
      .flatMap((topic) => topic.sent_notifications ?? [])
      .map(([, text, subject]) => ({
        cluster: subject.split(' ')[0]?.replace(/:$/, '') ?? '',
        subject,
        text,
      }));
  }

  /** Findings in Security Hub. */
  async hubFindings(): Promise<AwsSecurityFinding[]> {
    const client = new SecurityHubClient({ endpoint: this.moto.endpoint });
    const all: AwsSecurityFinding[] = [];
    for await (const { Findings = [] } of paginateGetFindings({ client }, {})) all.push(...Findings);
    return all;
  }

  /** Messages in a subscribed queue that nobody has received yet. */
  async queued(): Promise<Record<string, unknown>[]> {
    const { Messages = [] } = (await sqs(this.moto.endpoint, 'ReceiveMessage', {
      QueueUrl: QUEUE,
      MaxNumberOfMessages: 10,
    })) as { Messages?: { Body: string }[] };
    return Messages.map(({ Body }) => JSON.parse((JSON.parse(Body) as { Message: string }).Message));
  }

  async stop(): Promise<void> {
    await this.functions.stop();
    await this.front.stop();
    await Promise.all(this.#stubs.map((stub) => stub.close()));
    await this.moto.stop();
  }
}

async function aStub(recording: Recorded): Promise<StubApiServer> {
  const stub = await StubApiServer.start();
  await show(stub, recording);
  return stub;
}

async function show(stub: StubApiServer, recording: Recorded): Promise<Recording> {
  const recorded = await serveRecording(stub, recording);
  const labels = { 'eks.amazonaws.com/compute-type': 'fargate' };
  addNode(stub, recorded.node, { name: 'serverless', labels });
  return recorded;
}

async function keepSecret(name: string, text: string): Promise<string> {
  const { ARN = '' } = await new SecretsManagerClient({}).send(
    new CreateSecretCommand({ Name: name, SecretString: text }),
  );
  return ARN;
}

async function createCluster(name: string, client: EKSClient): Promise<void> {
  const roleArn = `arn:aws:iam::${ACCOUNT}:role/cluster`;
  await client.send(new CreateClusterCommand({ name, roleArn, resourcesVpcConfig: {} }));
}

async function subscribeAQueue(endpoint: string): Promise<void> {
  const client = new SNSClient({});
  const { TopicArn } = await client.send(new CreateTopicCommand({ Name: 'changes' }));
  await sqs(endpoint, 'CreateQueue', { QueueName: 'mails' });
  await client.send(
    new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: `arn:aws:sqs:${REGION}:${ACCOUNT}:mails` }),
  );
}

async function sqs(endpoint: string, target: string, body: unknown): Promise<unknown> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${target}`,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20261123/${REGION}/sqs/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return await response.json();
}
