/** Completion as a shell uses it: the real bash, zsh and fish if installed, and what kubectl gets. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { run } from './run.ts';

const program = new URL('../../bin/netns-audit.js', import.meta.url).pathname;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netns-audit-completion-'));
  writeFileSync(join(folder, 'netns-audit'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(folder, 'netns-audit'), 0o755);
  for (const name of ['kubectl-netns_audit', 'kubectl_complete-netns_audit'])
    symlinkSync(program, join(folder, name));
  const contexts = ['prod-eu', 'arn:aws:eks:eu-west-1:111122223333:cluster/lab'];
  const kubeconfig = { contexts: contexts.map((name) => ({ name, context: { cluster: 'c', user: 'u' } })) };
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig));
  writeFileSync(join(folder, 'fleet.yaml'), '');
  const path = [folder, join(process.execPath, '..'), process.env.PATH].join(delimiter);
  env = {
    ...process.env,
    PATH: path,
    KUBECONFIG: join(folder, 'kubeconfig'),
    HOME: folder,
    XDG_DATA_HOME: folder,
  };
  for (const name of ['KUBECONFIG', 'HOME', 'XDG_DATA_HOME']) vi.stubEnv(name, env[name]);
});
afterAll(() => vi.unstubAllEnvs());

/** The program's answer for words of which the last is being typed. */
async function asked(...words: string[]): Promise<string[]> {
  const { out } = await run('__complete', ...words);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\t.*/, ''));
}

/** The real bash: what follows the words after the Tab key. */
function bash(line: string): string[] {
  const script = `source <(netns-audit completion bash)
COMP_LINE=$1; COMP_POINT=\${#1}; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_netns_audit; printf '%s\\n' "\${COMPREPLY[@]}"`;
  // Split like readline: = and : are separate words.
  const words = line.split(/\s+|(?<=[=:])|(?=[=:])/);
  const { stdout } = spawnSync('bash', ['--norc', '-c', script, 'bash', line, ...words], {
    env,
    cwd: folder,
    encoding: 'utf8',
  });
  return stdout.trimEnd().split('\n');
}

const FISH = 'fish';
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

describe('what may come next', () => {
  it('is a command, and in it its subcommands', async () => {
    expect(await asked('re')).toEqual(['reports', 'remediate', 'retention', ':4']);
    expect(await asked('reports', 'sh')).toEqual(['show', ':4']);
    expect(await asked('reports', 'nothing', 'x')).toEqual([':4']);
  });

  it('is an option that is not there yet', async () => {
    expect(await asked('audit', '--no-color', '--no')).toEqual(['--nodes', ':4']);
    expect(await asked('audit', '--', '--no')).toEqual([':4']);
  });

  it('is a value: formats, severities, ids of checks, contexts, kinds in a list', async () => {
    expect(await asked('audit', '-o', 'j')).toEqual(['json', 'junit', ':4']);
    expect(await asked('audit', '--fail-on=c')).toEqual(['--fail-on=critical', ':4']);
    expect(await asked('checks', '')).toEqual([...catalogue.map(({ id }) => id), ':4']);
    expect(await asked('reports', 'list', '--check', 'pod-mtu')).toEqual(['pod-mtu-mismatch', ':4']);
    expect(await asked('doctor', '--context', 'prod')).toEqual(['prod-eu', ':4']);
    expect(await asked('audit', '--active', 'ping,')).toEqual(['ping,dns', 'ping,cross', 'ping,cni', ':4']);
    expect(await asked('completion', 'z')).toEqual(['zsh', ':4']);
  });

  it('is a run of the store', async () => {
    const store = join(folder, 'store');
    const run = '20261120T020000Z-1a2b3c4d';
    mkdirSync(join(store, 'reports/cluster=prod/dt=2026-11-20', run), { recursive: true });
    writeFileSync(join(store, 'reports/cluster=prod/dt=2026-11-20', run, 'report.json'), '{}');
    const runs = await asked('reports', 'show', '--store', store, '');
    expect(runs).toEqual(['latest', 'previous', run, ':4']);
    expect(await asked('reports', 'show', '--store', store, 'prev')).toEqual(['previous', ':4']);
  });

  it('is a file where one is asked for, and nothing where nobody knows', async () => {
    expect(await asked('fleet', '--config', '')).toEqual([':0']);
    expect(await asked('config', 'check', 'fl')).toEqual([':0']);
    expect(await asked('audit', '--image', '')).toEqual([':4']);
    expect(await asked('audit', '--kubeconfig', '/nowhere', '--context', '')).toEqual([':4']);
  });

  it('is told to kubectl by the program with the name that it looks for', () => {
    const answer = execFileSync(join(folder, 'kubectl_complete-netns_audit'), ['doc'], {
      env,
      encoding: 'utf8',
    });
    expect(answer).toMatch(/^doctor\t.+\n:4\n$/);
  });
});

describe('bash', () => {
  it('completes commands, options and values', () => {
    expect(bash('netns-audit docto')).toEqual(['doctor']);
    expect(bash('netns-audit reports tre')).toEqual(['trend']);
    expect(bash('netns-audit audit --context pr')).toEqual(['prod-eu']);
    expect(bash('netns-audit audit --output=htm')).toEqual(['html']);
    expect(bash('netns-audit audit --output=')).toContain('json');
  });

  it('completes a context with colons, and files', () => {
    expect(bash('netns-audit audit --context arn:aws:')).toEqual(['eks:eu-west-1:111122223333:cluster/lab']);
    expect(bash('netns-audit fleet --config fl')).toEqual(['fleet.yaml']);
  });
});

describe.skipIf(!has(FISH))('fish', () => {
  const fish = (line: string): string[] =>
    spawnSync(FISH, ['-c', `netns-audit completion fish | source; complete -C '${line}'`], {
      env,
      cwd: folder,
      encoding: 'utf8',
    })
      .stdout.trimEnd()
      .split('\n')
      .map((each) => each.replace(/\t.*/, ''));

  it('completes commands, options, values and files', () => {
    expect(fish('netns-audit docto')).toEqual(['doctor']);
    expect(fish('netns-audit audit --context arn')).toEqual([
      'arn:aws:eks:eu-west-1:111122223333:cluster/lab',
    ]);
    expect(fish('netns-audit audit --output=htm')).toEqual(['--output=html']);
    expect(fish('netns-audit fleet --config fl')).toEqual(['fleet.yaml']);
  });
});

const ARN = 'arn:aws:eks:eu-west-1:111122223333:cluster/lab';
const KUBECTL = 'kubectl';
const hasTmux = spawnSync('tmux', ['-V']).status === 0;
const hasKubectl = spawnSync(KUBECTL, ['version', '--client']).status === 0;

describe.skipIf(!hasTmux)('typed into a terminal', () => {
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-L', `netns-audit-${process.pid}`, ...args], {
      env,
      cwd: folder,
      encoding: 'utf8',
    });

  /** What a terminal shows. */
  const shows = async (text: string): Promise<void> => {
    await vi.waitFor(() => expect(tmux('capture-pane', '-p', '-J')).toContain(text), {
      timeout: 60_000,
      interval: 200,
    });
  };

  /** A terminal with the shell in which `setup` has been typed. */
  const inTerminal = async (shell: string, setup: string, body: () => Promise<void>): Promise<void> => {
    tmux('new-session', '-d', '-x', '150', '-y', '50', shell);
    try {
      tmux('send-keys', '-l', '--', `${setup}; echo rea''dy`);
      tmux('send-keys', 'Enter');
      await shows('ready\n');
      await body();
    } finally {
      tmux('kill-session');
    }
  };

  const SHELLS = [
    { shell: 'bash', start: 'bash --norc', setup: 'source <(netns-audit completion bash)' },
    {
      shell: 'zsh',
      start: 'zsh -f',
      setup: 'autoload -Uz compinit; compinit -u -D; source <(netns-audit completion zsh)',
    },
    { shell: FISH, start: 'fish --no-config', setup: 'netns-audit completion fish | source' },
  ].filter(({ shell }) => has(shell));

  it.each(SHELLS)(
    'is completed by $shell',
    async ({ start, setup }) => {
      await inTerminal(start, setup, async () => {
        tmux('send-keys', 'netns-audit docto', 'Tab');
        await shows('netns-audit doctor');
        tmux('send-keys', '-l', '--', '--context ar\t');
        await shows(`netns-audit doctor --context ${ARN}`);
        tmux('send-keys', 'C-u', 'netns-audit fleet --config fl', 'Tab');
        await shows('netns-audit fleet --config fleet.yaml');
      });
    },
    240_000,
  );

  // The completion of kubectl for bash needs the package bash-completion.
  it.skipIf(!hasKubectl || !has('zsh'))(
    'is completed behind kubectl, which asks the program',
    async () => {
      const setup = 'autoload -Uz compinit; compinit -u -D; source <(kubectl completion zsh)';
      await inTerminal('zsh -f', setup, async () => {
        tmux('send-keys', 'kubectl netns-audit docto', 'Tab');
        await shows('kubectl netns-audit doctor');
      });
    },
    120_000,
  );
});
