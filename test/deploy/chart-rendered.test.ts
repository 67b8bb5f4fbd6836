import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { hasHelm, helm } from './helm.ts';

const CHART = new URL('../../deploy/chart/netns-auditor', import.meta.url).pathname;
const deploy = (file: string): string =>
  readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');

type Container = {
  image: string;
  args: string[];
  env: { name: string; value: string }[];
  envFrom?: unknown;
  securityContext: object;
};
type Manifest = {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: unknown;
  spec: {
    jobTemplate: {
      spec: { template: { spec: { securityContext: object; containers: Container[]; volumes: object[] } } };
    };
    [part: string]: unknown;
  };
  data: Record<string, string>;
  subjects?: unknown;
};

function rendered(values: object, release = 'audit', chart = CHART): Manifest[] {
  const text = execFileSync(
    helm,
    ['template', release, chart, '-n', 'here', '--kube-version', '1.33.0', '-f', '-'],
    { input: JSON.stringify(values), encoding: 'utf8', stdio: 'pipe' },
  );
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The commands that the notes of a new release print. Without a cluster, helm renders manifests, but no notes. */
function printed(release: string): string[] {
  const chart = mkdtempSync(join(tmpdir(), 'netns-audit-chart-'));
  try {
    cpSync(CHART, chart, { recursive: true });
    const notes = `{{ define "notes" }}${deploy('chart/netns-auditor/templates/NOTES.txt')}{{ end }}`;
    writeFileSync(join(chart, 'templates/_notes.tpl'), notes);
    writeFileSync(
      join(chart, 'templates/notes.yaml'),
      'kind: Notes\nmetadata: { name: notes }\ndata: { notes: {{ include "notes" . | toJson }} }\n',
    );
    const destinations = [{ kind: 'slack', name: 'a', url: { env: 'URL' } }];
    const text = named(rendered({ clusterName: 'prod', destinations }, release, chart), 'Notes', 'notes');
    return [...(text.data.notes ?? '').matchAll(/^ {2}(.*kubectl .*)$/gm)].map(([, line = '']) => line);
  } finally {
    rmSync(chart, { recursive: true });
  }
}

/** Prints nothing while the pod has no node, fails while its container is created, then prints a log. */
const KUBECTL = `#!/bin/sh
echo "$*" >>"$0.calls"
case "$*" in
  *' logs '*) ;;
  *) exit 0 ;;
esac
case $(grep -c ' logs ' "$0.calls") in
  1) ;;
  2) echo 'container is waiting to start: ContainerCreating' >&2; exit 1 ;;
  3) printf 'No problems found.\\n\\nend\\n' ;;
  *) echo 'asked again' ;;
esac
`;

const named = (all: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = all.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};
const podOf = (cronJob: Manifest) => cronJob.spec.jobTemplate.spec.template.spec;

describe.skipIf(!hasHelm)('the chart, rendered', () => {
  it('is what helm lint takes', () => {
    const said = execFileSync(helm, ['lint', '--strict', CHART, '--set', 'clusterName=prod'], {
      encoding: 'utf8',
    });
    expect(said).toContain('0 chart(s) failed');
  });

  it('gives its service account the rights of `netns-audit manifests`, and no other', () => {
    const all = rendered({ clusterName: 'prod' });
    const wanted = parseAllDocuments(deploy('rbac.yaml')).map((document) => document.toJS() as Manifest);
    const roles = (list: Manifest[]) =>
      list.filter(({ kind }) => /Role$/.test(kind)).map(({ metadata, rules }) => [metadata.namespace, rules]);
    expect(roles(all)).toEqual(roles(wanted));
    const bindings = all.filter(({ kind }) => /RoleBinding$/.test(kind));
    expect(bindings).toHaveLength(wanted.filter(({ kind }) => /RoleBinding$/.test(kind)).length);
    for (const { subjects } of bindings)
      expect(subjects).toEqual([{ kind: 'ServiceAccount', name: 'audit', namespace: 'here' }]);
  });

  it('has the admission policy of the manifests, with the image of its values', () => {
    const [policy] = parseAllDocuments(deploy('admission-policy.yaml')).map(
      (document) => document.toJS() as Manifest,
    );
    const image = 'registry.example.com/netshoot@sha256:0';
    const policyOf = (values: object) =>
      named(rendered(values), 'ValidatingAdmissionPolicy', 'netns-auditor').spec;
    expect(policyOf({ clusterName: 'prod' })).toEqual(policy?.spec);
    expect(JSON.stringify(policyOf({ clusterName: 'prod', probe: { image } }))).toContain(image);
  });

  it.each(['audit', 'audit-doctor', 'audit-retention'])(
    '%s runs without any right on its node, and writes nowhere but to its volumes',
    (name) => {
      const { securityContext, containers } = podOf(
        named(rendered({ clusterName: 'prod' }), 'CronJob', name),
      );
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    },
  );

  it('keeps reports in a bucket of any server instead of a volume', () => {
    const s3 = { bucket: 'audits', prefix: 'netns', endpoint: 'http://minio.storage:9000' };
    const all = rendered({ clusterName: 'prod', store: { s3 }, secretName: 'keys' });
    expect(all.filter(({ kind }) => kind === 'PersistentVolumeClaim')).toEqual([]);
    expect(all.filter(({ kind }) => kind === 'CronJob').map(({ metadata }) => metadata.name)).toEqual([
      'audit',
      'audit-doctor',
    ]);
    const [container] = podOf(named(all, 'CronJob', 'audit')).containers;
    expect(container?.args).toContain('--store=s3://audits/netns');
    expect(container?.env).toContainEqual({ name: 'AWS_ENDPOINT_URL_S3', value: s3.endpoint });
    expect(container?.envFrom).toEqual([{ secretRef: { name: 'keys' } }]);
  });

  it('hands destinations, thresholds and exceptions on as netns-audit.yaml', () => {
    const parts = {
      destinations: [{ kind: 'slack', name: 'team', url: { env: 'SLACK_URL' } }],
      thresholds: { minSeverity: 'medium' },
      exceptions: [{ check: 'x', objects: ['*'], reason: 'known', owner: 'me', expires: '2030-01-01' }],
    };
    const all = rendered({ clusterName: 'prod', ...parts });
    expect(parse(named(all, 'ConfigMap', 'audit').data['netns-audit.yaml'] ?? '')).toEqual(parts);
    expect(podOf(named(all, 'CronJob', 'audit')).containers[0]?.args.join(' ')).toContain('--alerts=');
  });

  it('has a doctor for the same places, who comes only when called', () => {
    const all = rendered({
      clusterName: 'prod',
      destinations: [{ kind: 'slack', name: 'team', url: { env: 'SLACK_URL' } }],
      probe: { image: 'mirror/netshoot:1', pullSecret: 'mirror' },
    });
    const doctor = named(all, 'CronJob', 'audit-doctor');
    expect(doctor.spec).toMatchObject({ suspend: true });
    const argsOf = (name: string) => podOf(named(all, 'CronJob', name)).containers[0]?.args ?? [];
    const [command, ...shared] = argsOf('audit-doctor');
    expect(command).toBe('doctor');
    expect(shared.map((each) => each.split('=')[0])).toEqual([
      '--kubeconfig',
      '--store',
      '--alerts',
      '--image',
      '--pull-secret',
      '--deadline',
    ]);
    expect(argsOf('audit')).toEqual(expect.arrayContaining(shared));
    expect(podOf(doctor).containers[0]?.env).toEqual(
      podOf(named(all, 'CronJob', 'audit')).containers[0]?.env,
    );
  });

  it('tells the audit its own pod, which messages name', () => {
    const [container] = podOf(named(rendered({ clusterName: 'prod' }), 'CronJob', 'audit')).containers;
    expect(container?.env.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POD_NAMESPACE', 'POD_NAME']),
    );
  });

  it.each([
    '30 3 * * *',
    '*/15  0-5,22 1 JAN-mar ?',
    '@daily',
    '0 23 31 12 6',
    '08-9,7-7 3 * 1-jan,dec mon-5/2',
  ])('takes the schedule %s', (schedule) => {
    expect(named(rendered({ clusterName: 'prod', schedule }), 'CronJob', 'audit').spec).toMatchObject({
      schedule,
    });
  });

  it.each(['netns-auditor', 'localhost:5000/a/b', 'registry.example.com/netns-auditor'])(
    'takes the image repository %s',
    (repository) => {
      const [container] = podOf(
        named(rendered({ clusterName: 'prod', image: { repository } }), 'CronJob', 'audit'),
      ).containers;
      expect(container?.image.startsWith(`${repository}:`)).toBe(true);
    },
  );

  it.each([
    [{}, 'clusterName is not set'],
    [{ clusterName: 'a b' }, 'clusterName'],
    [{ clusterName: 'prod', schedule: 'nightly' }, 'schedule'],
    [{ clusterName: 'prod', schedule: '60 3 * * *' }, 'schedule: "60" is not a valid minute'],
    [{ clusterName: 'prod', schedule: '0 24 * * *' }, 'schedule: "24" is not a valid hour'],
    [{ clusterName: 'prod', schedule: '0 3 * * 1-7' }, 'schedule: "1-7" is not a valid day of the week'],
    [{ clusterName: 'prod', schedule: '0 3 * foo *' }, 'schedule: "foo" is not a valid month'],
    [{ clusterName: 'prod', schedule: '0 3 * mon *' }, 'schedule: "mon" is not a valid month'],
    [{ clusterName: 'prod', schedule: '0 3 * jan5 *' }, 'schedule: "jan5" is not a valid month'],
    [{ clusterName: 'prod', schedule: '0 3 * * xyz' }, 'schedule: "xyz" is not a valid day of the week'],
    [
      { clusterName: 'prod', schedule: '9-10,5-1 * * * *' },
      'schedule: "9-10,5-1" is not a valid minute: a range cannot end before it starts',
    ],
    [{ clusterName: 'prod', schedule: '0 3 31-1 * *' }, '"31-1" is not a valid day of the month: a range'],
    [{ clusterName: 'prod', schedule: '0 3 * 5-JAN *' }, '"5-JAN" is not a valid month: a range cannot end'],
    [{ clusterName: 'prod', schedule: '0 3 * * fri-mon/2' }, ': a range cannot end before it starts'],
    [{ clusterName: 'prod', image: { repository: 'registry/a:0.1.0' } }, '/image/repository'],
    [{ clusterName: 'prod', replicas: 3 }, 'replicas'],
    [{ clusterName: 'prod', retention: { evidenceDays: 0 } }, 'evidenceDays'],
    [{ clusterName: 'prod', probe: { image: 'x"]; true' } }, 'image'],
    [
      { clusterName: 'prod', destinations: [{ kind: 'slack', name: 'a', url: 'https://hooks' }] },
      'destinations',
    ],
    [
      { clusterName: 'prod', destinations: [{ kind: 'pager', name: 'a' }] },
      "/destinations/0/kind': value must be one of 'webhook', 'slack', 'alertmanager', 'mail'",
    ],
    [
      { clusterName: 'prod', destinations: [{ kind: 'mail', name: 'a' }] },
      "missing properties 'host', 'from', 'to'",
    ],
  ])('refuses wrong values by name: %j', (values, name) => {
    expect(() => rendered(values)).toThrow(name);
  });

  it.each([
    ['a volume', 42, {}],
    ['a bucket', 45, { s3: { bucket: 'audits' } }],
  ])('with %s, refuses a release name of more than %d characters', (_, most, store) => {
    const name = 'a'.repeat(most);
    const longest = (all: Manifest[]) => Math.max(...all.map(({ metadata }) => metadata.name.length));
    const jobs = rendered({ clusterName: 'prod', store }, name).filter(({ kind }) => kind === 'CronJob');
    expect(longest(jobs)).toBe(52);
    expect(() => rendered({ clusterName: 'prod', store }, `${name}a`)).toThrow(
      `The release name ${name}a is too long: choose one of at most ${most} characters`,
    );
  });

  it('says in its notes how to run it now, as its page does', () => {
    const page = deploy('../docs/in-cluster.md').split('\n');
    const commands = printed('netns-auditor').map((each) => each.replace('-n here', '-n netns-auditor'));
    expect(commands).toHaveLength(6);
    expect(page).toEqual(expect.arrayContaining(commands.map((command) => `       ${command}`)));
  });

  it.each(['first-audit', 'doctor'])('prints commands that show the log of %s once there is one', (job) => {
    const commands = printed('audit').filter((each) => each.includes(job));
    const directory = mkdtempSync(join(tmpdir(), 'netns-audit-notes-'));
    try {
      writeFileSync(join(directory, 'kubectl'), KUBECTL, { mode: 0o755 });
      const log = execFileSync('sh', ['-c', commands.join('\n')], {
        env: { PATH: `${directory}:${process.env.PATH}` },
        encoding: 'utf8',
        stdio: 'pipe',
      });
      expect(log).toBe('No problems found.\n\nend\n');
      expect(readFileSync(join(directory, 'kubectl.calls'), 'utf8').split('\n').slice(0, 3)).toEqual([
        `-n here delete job ${job} --ignore-not-found`,
        `-n here create job ${job} --from=cronjob/${job === 'doctor' ? 'audit-doctor' : 'audit'}`,
        `-n here logs -f job/${job}`,
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
