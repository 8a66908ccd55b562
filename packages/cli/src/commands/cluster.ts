import { Argument, type Command } from 'commander';
import { addAdminOptions } from '../options/admin-options.js';
import { type CliRun, examples } from '../session.js';

export function addCluster(program: Command, run: CliRun): void {
  const cluster = program
    .command('cluster')
    .description('look at the group of a running app, hand it over, or force a member to lead')
    .addHelpText('after', examples('aep cluster status --model model.xml --xvm processor-a', 'aep cluster switch'));
  const status = cluster
    .command('status')
    .description('show what a member knows: its role, the register, how far the others are')
    .addHelpText('after', examples('aep cluster status --admin http://127.0.0.1:7500 --json'));
  withMember(status).action(run.action(async () => (await import('../actions/cluster.js')).clusterStatus));
  const members = cluster
    .command('members')
    .description('list the members of the group: who is listed, who is present, who leads')
    .addHelpText('after', examples('aep cluster members --model model.xml --xvm processor-a'));
  withMember(members).action(run.action(async () => (await import('../actions/cluster.js')).clusterMembers));
  const hand = cluster
    .command('switch')
    .description('hand the group over in order: the primary drains, then the other member leads')
    .addArgument(new Argument('[member]', 'who is to lead (default: the only other member)'))
    .addHelpText(
      'after',
      examples('aep cluster switch --admin http://127.0.0.1:7500', 'aep cluster switch processor-b'),
    );
  withMember(hand).action(run.action(async () => (await import('../actions/cluster.js')).clusterSwitch));
  const promote = cluster
    .command('promote')
    .description('make a member lead that the group does not list: only when every listed member is lost for good')
    .option('--unsafe', 'needed: acknowledged events that this member lacks are lost')
    .option('--yes', 'do not ask; without it the command only says what would be lost')
    .addHelpText('after', examples('aep cluster promote --unsafe --yes --admin http://127.0.0.1:7501'));
  withMember(promote).action(run.action(async () => (await import('../actions/cluster.js')).clusterPromote));
}

function withMember(command: Command): Command {
  return addAdminOptions(command).option('-a, --app <name>', 'the app, when the xvm has several');
}
