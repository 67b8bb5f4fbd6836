/** Turns a kubeconfig or the name of an EKS cluster into a handle on its API. */
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { type KubectlOptions, kubectlOptions } from '../model/kubectl.ts';
import { command } from '../model/shell.ts';
import { credentialFailure, PluginHangs, type PluginOptions } from './exec-plugin.ts';
import { impersonationHeaders } from './impersonation.ts';
import { invalid, kubeconfigTexts, loadKubeconfig, withoutContent } from './load-kubeconfig.ts';
import { isProxy, proxyFromEnvironment } from './proxy.ts';
import { withoutUserinfo } from './redact.ts';
import type { ClusterTarget } from './target.ts';
import { isTokenOfPod, readToken, tokenFileOf } from './token-file.ts';
import { type Credentials, Transport } from './transport.ts';

/** How to reach the API server of one cluster, which need not have answered yet. */
export type Connection = {
  readonly name: string;
  readonly transport: Transport;
  /** How kubectl reaches the same cluster; only with a kubeconfig of the user's. */
  readonly kubectl?: KubectlOptions;
  /** It uses the service account of the pod that it runs in: its files are out of a reader's reach. */
  readonly inPod?: true;
};

/** An open connection to one cluster. Close it at the end of the run. */
export type Cluster = Connection & {
  /** uid of the namespace kube-system: another uid is another cluster, whatever its name. */
  readonly uid: string;
  readonly version: string;
};

const kubeSystemSchema = z.object({ metadata: z.object({ uid: z.string() }) });
const versionSchema = z.object({ gitVersion: z.string() });

export type ConnectOptions = {
  readonly version: string;
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for an answer. Default 20 s, and 5 s if nobody answers at all. */
  readonly deadline?: number;
  /** Milliseconds for one run of a credential command. Default 2 min. */
  readonly pluginDeadline?: number;
  /** Called once, when an unanswered request is retried, and when a credential command takes long. */
  readonly onUnanswered?: (error: AuditError) => void;
};

/** @throws AuditError KUBECONFIG_INVALID, CLUSTER_* or AWS: which step failed, and its fix. */
export async function connect(target: ClusterTarget, options: ConnectOptions): Promise<Cluster> {
  const connection = await open(target, options);
  try {
    return await identify(connection, options);
  } catch (error) {
    await connection.transport.close();
    throw error;
  }
}

/**
 * Reads the credentials, and contacts nobody else. Close its transport at the end.
 * @throws AuditError KUBECONFIG_INVALID, CLUSTER_UNAUTHENTICATED, AWS
 */
export async function open(target: ClusterTarget, options: ConnectOptions): Promise<Connection> {
  const { name, credentials, kubectl, inPod } =
    target.kind === 'eks'
      ? { ...(await (await import('./eks.ts')).eksCredentials(target)), kubectl: null, inPod: false }
      : await fromKubeconfig(target, { deadline: options.pluginDeadline, onWaiting: options.onUnanswered });
  const agent = `netns-auditor/${options.version}`;
  const proxy = credentials.proxy ?? proxyFromEnvironment(credentials.server, process.env);
  if (proxy !== null && !isProxy(proxy)) {
    const source =
      credentials.proxy === null
        ? `${new URL(credentials.server).protocol === 'http:' ? 'HTTP' : 'HTTPS'}_PROXY`
        : `proxy-url in the kubeconfig of ${name}`;
    throw invalid(source, 'it is not the URL of a proxy', 'Write it as http://host:port.');
  }
  const transport = new Transport({ ...credentials, proxy }, agent, options.onUnanswered);
  return { name, transport, ...(kubectl === null ? {} : { kubectl }), ...(inPod ? { inPod } : {}) };
}

/** Asks the cluster for its identity. @throws AuditError CLUSTER_*, ABORTED */
export async function identify(
  connection: Connection,
  options: Pick<ConnectOptions, 'signal' | 'deadline'>,
): Promise<Cluster> {
  const { transport } = connection;
  const common = {
    deadline: options.deadline ?? 20_000,
    timeout: 10_000,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  try {
    const [version, namespace] = await Promise.all([
      transport.json({
        path: '/version',
        what: 'read the version',
        ...common,
      }),
      transport.json({
        path: '/api/v1/namespaces/kube-system',
        what: 'get namespace kube-system',
        ...common,
      }),
    ]);
    return {
      ...connection,
      uid: kubeSystemSchema.parse(namespace).metadata.uid,
      version: versionSchema.parse(version).gitVersion,
    };
  } catch (error) {
    const end = transport.certificateEnd;
    if (error instanceof AuditError && error.code === 'CLUSTER_UNAUTHENTICATED' && end < Date.now()) {
      throw new AuditError(error.code, `the client certificate ended on ${new Date(end).toISOString()}`, {
        cause: error,
        remedy: 'Renew it, or fetch the kubeconfig again (with kubeadm: kubeadm certs renew admin.conf).',
      });
    }
    if (error instanceof z.ZodError) {
      throw new AuditError(
        'CLUSTER_API',
        `${transport.server} does not answer like a Kubernetes API server`,
        { cause: error, remedy: 'Check the server in the kubeconfig.' },
      );
    }
    throw error;
  }
}

async function fromKubeconfig(
  target: Exclude<ClusterTarget, { kind: 'eks' }>,
  plugins: PluginOptions,
): Promise<{ name: string; credentials: Credentials; kubectl: KubectlOptions | null; inPod: boolean }> {
  const { config, source } = await loadKubeconfig(target, plugins);
  // The client's default if there is neither a file nor a service account.
  if (target.kind === 'kubeconfig' && config.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw invalid(
      source,
      'no kubeconfig there',
      'Name one with --kubeconfig or KUBECONFIG, or an EKS cluster with --eks NAME --region REGION. To ' +
        'see what it does without a cluster: netns-audit demo',
    );
  }
  if (target.context !== undefined) config.setCurrentContext(target.context);
  const context = config.currentContext;
  const known = config.getContexts().map((each) => each.name);
  if (!known.includes(context)) {
    throw invalid(
      source,
      context ? `it has no context ${context}` : 'it names no current context',
      `Choose one with --context: ${known.join(', ') || '(it has none)'}`,
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw invalid(
      source,
      `context ${context} names a cluster that is not there`,
      'Check it: kubectl config view',
    );
  if (!URL.canParse(cluster.server))
    throw invalid(
      source,
      `the server of context ${context} is not a URL: ${withoutUserinfo(cluster.server)}`,
      'Write it as https://host:port.',
    );
  const user = config.getCurrentUser();
  if (user === null)
    throw invalid(
      source,
      `context ${context} names a user that is not there`,
      'Check it: kubectl config view',
    );
  if (target.kind === 'kubeconfig-text' && runsCommands(config)) {
    throw invalid(
      source,
      'its user gets its credentials from a command (exec or auth-provider)',
      'Use a token or a client certificate in a kubeconfig that is kept in a secret.',
    );
  }
  const rest = restOfUser(target, source, user.name);
  if (target.kind === 'kubeconfig-text' && rest.tokenFile !== null)
    throw invalid(
      source,
      'its user gets its token from a file (tokenFile), which is not there',
      'Put the token itself, or a client certificate, into a kubeconfig that is kept in a secret.',
    );
  const inPod = isTokenOfPod(rest.tokenFile) || isTokenOfPod(user.authProvider?.config?.tokenFile);
  return {
    name: context,
    inPod,
    credentials: await credentialsOf(config, source, {
      server: cluster.server,
      proxy: cluster.proxyUrl || null,
      ...rest,
    }),
    kubectl: isOfUser(target) && !inPod ? kubectlOptions({ context, file: target.file }) : null,
  };
}

/** Whether it is a file of the user's: not the text of a secret, and not the service account of a pod. */
function isOfUser(
  target: Exclude<ClusterTarget, { kind: 'eks' }>,
): target is Extract<ClusterTarget, { kind: 'kubeconfig' }> {
  return target.kind === 'kubeconfig' && kubeconfigTexts(target).length > 0;
}

/** User fields that client-node does not read: whom it impersonates, and its token file. */
function restOfUser(
  target: Exclude<ClusterTarget, { kind: 'eks' }>,
  source: string,
  user: string,
): { impersonation: Record<string, string[]>; tokenFile: string | null } {
  try {
    const texts = kubeconfigTexts(target);
    return {
      impersonation: impersonationHeaders(
        texts.map(({ text }) => text),
        user,
      ),
      tokenFile: tokenFileOf(texts, user),
    };
  } catch (error) {
    throw invalid(source, withoutContent(error), 'Check it: kubectl config view');
  }
}

function runsCommands(config: KubeConfig): boolean {
  const user = config.getCurrentUser();
  return user?.exec != null || user?.authProvider != null;
}

async function credentialsOf(
  config: KubeConfig,
  source: string,
  {
    server,
    proxy,
    impersonation,
    tokenFile,
  }: Pick<Credentials, 'server' | 'proxy'> & ReturnType<typeof restOfUser>,
): Promise<Credentials> {
  const first = await apply(config, source);
  if (tokenFile !== null) await readToken(tokenFile, source);
  const { ca, cert, key, servername, rejectUnauthorized } = first;
  return {
    server,
    proxy,
    repeatsHeaders: Object.values(impersonation).some((values) => values.length > 1),
    tls: {
      ...(ca === undefined ? {} : { ca: ca as Buffer }),
      ...(cert === undefined ? {} : { cert: cert as Buffer }),
      ...(key === undefined ? {} : { key: key as Buffer }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    },
    async headers() {
      // On each request: client-node caches a plugin's credential until it expires, and re-reads token files.
      const { headers, auth } = await apply(config, source);
      const result: Record<string, string | string[]> = { ...impersonation };
      for (const [name, value] of Object.entries(headers ?? {}))
        if (typeof value === 'string') result[name.toLowerCase()] ??= value;
      if (typeof auth === 'string') result.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
      // It takes precedence over a token of the same user, as in kubectl.
      if (tokenFile !== null) result.authorization = `Bearer ${await readToken(tokenFile, source)}`;
      return result;
    },
  };
}

async function apply(config: KubeConfig, source: string): Promise<RequestOptions> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    const user = config.getCurrentUser();
    // No cause: command errors contain the arguments, JSON errors the beginning of what may be a token.
    throw new AuditError(
      'CLUSTER_UNAUTHENTICATED',
      `no credentials from ${source}: ${credentialFailure(error, user)}`,
      {
        remedy:
          error instanceof PluginHangs
            ? 'It may be waiting for a login. Run it yourself: ' +
              `${command('kubectl', '--context', config.currentContext, 'get', '--raw', '/version')}`
            : user?.exec == null
              ? 'Check the files that the user of the context names.'
              : `Its command ${user.exec.command} fails. See why: ` +
                `${command('kubectl', '--context', config.currentContext, 'get', '--raw', '/version')}`,
      },
    );
  }
  return options;
}
