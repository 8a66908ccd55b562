import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow a command. */
interface Place {
  /** Words of the command, without `aep`: `journal list`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly { readonly long: string; readonly description: string }[];
}

/** A static script: completing must not start a process at every key. */
export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, [], longOptions(program));
  if (shell === 'bash') return bash(places);
  return shell === 'zsh' ? zsh(places) : fish(places);
}

function placesOf(command: Command, path: readonly string[], shared: Place['options']): Place[] {
  const own = path.length === 0 ? [] : longOptions(command);
  const here: Place = {
    path: path.join(' '),
    commands: command.commands.map((inner) => ({ name: inner.name(), description: inner.description() })),
    options: [...own, ...shared],
  };
  return [here, ...command.commands.flatMap((inner) => placesOf(inner, [...path, inner.name()], shared))];
}

function longOptions(command: Command): Place['options'] {
  const options = command.options.map(({ long, description }) => ({ long: long ?? '', description }));
  return [...options, { long: '--help', description: 'print help' }].filter(
    ({ long }, index, all) => long !== '' && all.findIndex((other) => other.long === long) === index,
  );
}

function bash(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const words = [...commands.map(({ name }) => name), ...options.map(({ long }) => long)];
    return `    ${quoted(path)}) words=${quoted([...new Set(words)].join(' '))} ;;`;
  });
  return [
    '# bash completion of aep: source <(aep completion bash)',
    '_aep() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" path="" words="" word',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case " ${pathsText(places)} " in`,
    '      *"|${path:+$path }$word|"*) path="${path:+$path }$word" ;;',
    '    esac',
    '  done',
    '  case "$path" in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '  [[ "$current" == -* ]] || COMPREPLY+=($(compgen -f -- "$current"))',
    '}',
    'complete -o filenames -F _aep aep',
    '',
  ].join('\n');
}

function zsh(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const words = commands.map(({ name, description }) => `${name}:${description}`);
    const flags = options.map(({ long, description }) => `${long}:${description}`);
    return `    ${quoted(path)}) commands=(${words.map(quoted).join(' ')}); options=(${[...new Set(flags)].map(quoted).join(' ')}) ;;`;
  });
  return [
    '#compdef aep',
    '# zsh completion of aep: aep completion zsh > "${fpath[1]}/_aep"',
    '_aep() {',
    '  local aep_path="" word',
    '  local -a commands options',
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    `    case " ${pathsText(places)} " in`,
    '      *"|${aep_path:+$aep_path }$word|"*) aep_path="${aep_path:+$aep_path }$word" ;;',
    '    esac',
    '  done',
    '  case "$aep_path" in',
    ...cases,
    '  esac',
    "  (( $#commands )) && _describe 'command' commands",
    '  [[ "$words[CURRENT]" == -* ]] && _describe \'option\' options',
    '  [[ "$words[CURRENT]" == -* ]] || _files',
    '}',
    'compdef _aep aep',
    '',
  ].join('\n');
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const isHere = `__aep_at ${quoted(path)}`;
    return [
      ...commands.map(
        ({ name, description }) => `complete -c aep -n ${quoted(isHere)} -a ${quoted(name)} -d ${quoted(description)}`,
      ),
      ...options.map(
        ({ long, description }) => `complete -c aep -n ${quoted(isHere)} -l ${long.slice(2)} -d ${quoted(description)}`,
      ),
    ];
  });
  return [
    '# fish completion of aep: aep completion fish > ~/.config/fish/completions/aep.fish',
    'function __aep_at',
    `    set -l known '${pathsText(places)}'`,
    "    set -l path ''",
    '    for word in (commandline -opc)[2..]',
    '        set -l next (string trim -- "$path $word")',
    '        if string match -q -- "*|$next|*" $known',
    '            set path $next',
    '        end',
    '    end',
    '    test "$path" = "$argv[1]"',
    'end',
    ...lines,
    '',
  ].join('\n');
}

/** All commands between bars, so that a shell can look one up with a pattern. */
function pathsText(places: readonly Place[]): string {
  return `|${places.map(({ path }) => path).join('|')}|`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
