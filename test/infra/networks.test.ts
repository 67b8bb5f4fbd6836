/** The stack of a fleet whose clusters are in several VPCs. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { NetnsAuditor, type NetnsAuditorProps } from '../../lib/infra/netns-auditor.ts';
import { type Config, configSchema } from '../../lib/model/config.ts';
import { hasCfnLint, lint } from './cfn-lint.ts';
import { config, definitionOf, mistakesInStates, synthesize } from './synthesized.ts';

// This test does not look at code: bundling the functions takes longer than everything else.
vi.mock('../../lib/infra/bundle.ts', async (original) => ({
  ...(await original<typeof import('../../lib/infra/bundle.ts')>()),
  bundle: () => new URL('../../lambda', import.meta.url).pathname,
}));

const networks = ['one', 'two'].map((name, index) => ({
  name,
  discovered: [],
  vpcId: `vpc-0fedcba987654321${index}`,
  availabilityZones: ['eu-west-1a'],
  subnetIds: [`subnet-0fedcba987654321${index}`],
  securityGroupIds: [`sg-0fedcba987654321${index}`],
}));
const [first, ...others] = config.clusters;
const several = { ...config, networks, clusters: [{ ...first, network: 'one' }, ...others] } as Config;

type Properties = Record<string, never>;

function propertiesOf(template: Template, type: string): Map<string, Properties> {
  const found = Object.entries(template.findResources(type));
  return new Map(found.map(([id, { Properties }]) => [id, Properties as Properties]));
}

/** By the name of the network; `-` for those without. */
function functionsOf(template: Template, state: string): Map<string, { id: string; properties: Properties }> {
  const all = [...propertiesOf(template, 'AWS::Lambda::Function')].map(([id, properties]) => {
    const [of = '', network = '-'] = String(properties.Description)
      .replace('netns-auditor: ', '')
      .split(', network ');
    return { id, properties, of, network };
  });
  return new Map(all.filter(({ of }) => of === state).map((each) => [each.network, each]));
}

describe('a stack with networks', () => {
  let template: Template;
  beforeAll(() => {
    const { app, stack } = synthesize(several);
    expect(() => app.synth()).not.toThrow();
    template = Template.fromStack(stack);
  }, 240_000);

  it.each(['plan-cluster', 'audit-nodes'])(
    'has one %s in each, with the role that clusters know',
    (state) => {
      const functions = functionsOf(template, state);
      const subnets = [...functions].map(([name, { properties }]) => [name, properties.VpcConfig]);
      expect(Object.fromEntries(subnets)).toEqual({
        '-': { SecurityGroupIds: ['sg-0123456789abcdef0'], SubnetIds: ['subnet-0123456789abcdef0'] },
        one: { SecurityGroupIds: ['sg-0fedcba9876543210'], SubnetIds: ['subnet-0fedcba9876543210'] },
        two: { SecurityGroupIds: ['sg-0fedcba9876543211'], SubnetIds: ['subnet-0fedcba9876543211'] },
      });
      const roles = [...functions.values()].map(({ properties }) => JSON.stringify(properties.Role));
      expect(new Set(roles).size).toBe(1);
    },
  );

  it('has rights of its functions that fit into what IAM takes, however many networks and clusters', () => {
    const many = Array.from({ length: 20 }, (_, index) => ({
      ...networks[0],
      name: `business-unit-${index}`,
    }));
    const clusters = Array.from({ length: 90 }, (_, index) => ({
      name: `own-${index}`,
      eks: { name: `team-platform-prod-${index}`, region: 'eu-west-1' },
    }));
    const large = Template.fromStack(
      synthesize({ ...configSchema.parse({ ...config, clusters }), networks: many } as Config).stack,
    );
    // Both as long as they are in a stack that is deployed.
    const text = (document: unknown): string =>
      JSON.stringify(document)
        .replaceAll(/\{"Ref":"AWS::Partition"\}/g, 'aws')
        .replaceAll(/\{"Fn::GetAtt":\["\w+","Arn"\]\}/g, `"${'a'.repeat(110)}"`);
    const inline = new Map<string, number>();
    for (const { PolicyDocument, Roles } of propertiesOf(large, 'AWS::IAM::Policy').values())
      for (const role of Roles as unknown as object[]) {
        const id = JSON.stringify(role);
        inline.set(id, (inline.get(id) ?? 0) + text(PolicyDocument).length);
      }
    expect(inline.size).toBeGreaterThan(5);
    expect(Math.max(...inline.values())).toBeLessThan(10_240);
  }, 240_000);

  it('invokes versions alone, and may invoke every version of each function', () => {
    const versions = [...propertiesOf(template, 'AWS::Lambda::Version').keys()];
    const text = JSON.stringify(definitionOf(template));
    const invoked = [...text.matchAll(/"Resource":"\$\{([^}]+)\}"/g)].map(([, id = '']) => id);
    expect(invoked.toSorted()).toEqual(versions.toSorted());
    expect(versions).toHaveLength(9);
    const rights = JSON.stringify([...propertiesOf(template, 'AWS::IAM::Policy').values()]);
    for (const [id] of propertiesOf(template, 'AWS::Lambda::Function'))
      expect(rights).toContain(`{"Fn::Join":["",[{"Fn::GetAtt":["${id}","Arn"]},":*"]]}`);
  });

  it('grows by two functions and their versions for a network, and by nothing for a cluster in it', () => {
    const count = (of: Config): number =>
      Object.keys(Template.fromStack(synthesize(of).stack).toJSON().Resources).length;
    const lab = several.clusters.at(-1);
    const more = Array.from({ length: 30 }, (_, index) => ({
      ...{ ...lab, name: `lab-${index}`, network: 'two' },
      kubeconfigSecret: `arn:aws:secretsmanager:eu-west-1:111122223333:secret:lab-${index}-AbCdEf`,
    }));
    const before = count(several);
    expect(count({ ...several, clusters: [...several.clusters, ...more] } as Config)).toBe(before);
    expect(count({ ...several, networks: networks.slice(0, 1) } as Config)).toBe(before - 4);
  }, 240_000);

  it('needs no network at all for clusters that name none', () => {
    const { network: _, ...without } = several;
    const bare = Template.fromStack(synthesize(without as Config).stack);
    const functions = functionsOf(bare, 'audit-nodes');
    expect(functions.get('-')?.properties.VpcConfig).toBeUndefined();
    expect(functions.get('one')?.properties.VpcConfig).toBeDefined();
  }, 240_000);

  it('is Amazon States Language to asl-validator', () => {
    expect(mistakesInStates(definitionOf(template))).toBe('');
  });

  it.skipIf(!hasCfnLint)(
    'is clean for cfn-lint',
    () => {
      expect(lint('Networks.template.json', JSON.stringify(template.toJSON()))).toBe('');
    },
    240_000,
  );

  it('warns of a network that no cluster is in', () => {
    const { stack } = synthesize(several);
    const warnings = stack.node.findAll().flatMap(({ node }) => node.metadata);
    expect(JSON.stringify(warnings)).toContain(
      'No cluster is in the network two: write network: two in an entry',
    );
    expect(JSON.stringify(warnings)).not.toContain('in the network one');
  }, 240_000);
});

describe('a mistake in networks', () => {
  const stackIn = (region = 'eu-west-1'): Stack =>
    new Stack(new App({ analyticsReporting: false }), 'Own', { env: { region, account: '111122223333' } });
  const prod = { name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } };
  const discover = {
    accounts: ['444455556666'],
    regions: ['eu-west-1'],
    externalId: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  };
  /** As a program without types passes them. */
  const made = (props: (vpc: IVpc) => unknown, zone = 'eu-west-1a'): NetnsAuditor => {
    const stack = stackIn();
    const attributes = { vpcId: 'vpc-1', availabilityZones: [zone], privateSubnetIds: ['subnet-1'] };
    const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', attributes);
    return new NetnsAuditor(stack, 'Auditor', props(vpc) as NetnsAuditorProps);
  };

  it.each<[(vpc: IVpc) => object, string]>([
    [
      () => ({ clusters: [{ ...prod, network: 'east' }] }),
      'clusters[0].network: There is no network east; there is no list networks: add one',
    ],
    [
      (vpc) => ({ clusters: [{ ...prod, network: 'east' }], networks: [{ name: 'west', vpc }] }),
      'clusters[0].network: There is no network east; networks has west',
    ],
    [
      (vpc) => ({
        clusters: [prod],
        networks: [
          { name: 'a', vpc },
          { name: 'a', vpc },
        ],
      }),
      'networks[1].name: Another network has the same name, a.',
    ],
    [
      (vpc) => ({ clusters: [prod], networks: [{ name: 'a', vpc, discovered: ['111122223333/*'] }] }),
      'networks[0].discovered: No clusters are discovered, as there is no discover',
    ],
    [
      (vpc) => ({ clusters: [prod], networks: [{ name: 'a', vpc, discovered: ['prod'] }] }),
      'networks[0].discovered[0]: (a) It is ACCOUNT/REGION/CLUSTER',
    ],
    [
      (vpc) => ({ clusters: [prod], networks: [{ name: 'a b', vpc }] }),
      'networks[0].name: (a b) It is a letter',
    ],
    [() => ({ clusters: [prod], networks: [{ name: 'a', vpc: 'vpc-1' }] }), 'networks[0].vpc: (a) It is'],
    [
      (vpc) => ({ clusters: [prod], networks: [{ name: 'a', vpc, discoverd: [] }] }),
      'networks[0]: (a) Unknown key "discoverd". Did you mean discovered?',
    ],
    [
      (vpc) => ({
        clusters: [prod],
        discover,
        networks: [{ name: 'a', vpc, discovered: ['11112222333/*'] }],
      }),
      'networks[0].discovered[0]: (a) It is ACCOUNT/REGION/CLUSTER',
    ],
    [
      (vpc) => ({
        clusters: [prod],
        discover,
        networks: [{ name: 'a', vpc, discovered: ['777788889999/*'] }],
      }),
      'No cluster of account 777788889999 is discovered',
    ],
    [
      () => ({ clusters: [prod], securityGroups: [] }),
      'vpcSubnets and securityGroups are in a VPC, and there is no vpc',
    ],
  ])('%# is refused with its place and what to write', (props, says) => {
    expect(() => made(props)).toThrow(says);
  });

  it('is a VPC of another region than the stack, as functions cannot be there', () => {
    const says = /is in us-east-1a, and functions can only be in the stack's region, eu-west-1/;
    expect(() => made((vpc) => ({ clusters: [prod], vpc }), 'us-east-1a')).toThrow(says);
    const named = (vpc: IVpc) => ({ clusters: [prod], networks: [{ name: 'a', vpc }] });
    expect(() => made(named, 'us-east-1a')).toThrow(/networks\[0\]\.vpc is in us-east-1a/);
    // A placeholder of a lookup, and a local zone.
    for (const zone of ['dummy1a', 'eu-west-1-lon-1a']) expect(() => made(named, zone), zone).not.toThrow();
  });
});
