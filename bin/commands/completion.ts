import { Argument, type Command } from 'commander';

const SCRIPTS = {
  bash: `# netns-audit completion for bash: source <(netns-audit completion bash)
_netns_audit() {
  local line=\${COMP_LINE:0:COMP_POINT} current=\${COMP_WORDS[COMP_CWORD]} typed answer candidate
  local -a words
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  typed=\${words[\${#words[@]}-1]}
  # bash takes = and : for ends of words: only what is behind them is replaced.
  [[ $current == [=:] ]] && current=
  local before=\${typed%"$current"} directive=:4
  COMPREPLY=()
  while IFS= read -r answer; do
    if [[ $answer == :* ]]; then directive=$answer; continue; fi
    candidate=\${answer%%$'\\t'*}
    COMPREPLY+=("$(printf %q "\${candidate#"$before"}")")
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
  if [[ $directive == :0 ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r answer; do COMPREPLY+=("$answer"); done < <(compgen -f -- "$current")
  fi
}
complete -F _netns_audit netns-audit
`,
  zsh: `#compdef netns-audit
# netns-audit completion for zsh: source <(netns-audit completion zsh), or a file _netns-audit in a folder of $fpath
_netns-audit() {
  local -a lines candidates
  local line value description
  lines=("\${(@f)$("\${(Q)words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $lines[-1] == :0 ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
    return
  fi
  for line in $lines[1,-2]; do
    value=\${line%%$'\\t'*}
    description=\${line#*$'\\t'}
    candidates+=("\${value//:/\\\\:}:$description")
  done
  _describe -V netns-audit candidates
}
if [[ $funcstack[1] == _netns-audit ]]; then _netns-audit; else compdef _netns-audit netns-audit; fi
`,
  fish: `# netns-audit completion for fish: netns-audit completion fish > ~/.config/fish/completions/netns-audit.fish
function __netns_audit_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l lines ($words[1] __complete $words[2..-1] 2>/dev/null)
  if test "$lines[-1]" = ":0"
    __fish_complete_path (string replace -r '^--[^=]+=' '' -- (commandline -ct))
  else if test (count $lines) -gt 1
    printf '%s\\n' $lines[1..-2]
  end
end
complete -c netns-audit -f -a '(__netns_audit_complete)'
`,
} as const;
const shells = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

/** `netns-audit completion`. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .description('print a script that completes commands, options and values in a shell')
    .addHelpText(
      'after',
      `
Examples:
  source <(netns-audit completion bash)              in ~/.bashrc
  source <(netns-audit completion zsh)               in ~/.zshrc, after compinit
  netns-audit completion fish > ~/.config/fish/completions/netns-audit.fish

kubectl 1.26 and newer also complete "kubectl netns-audit" if
kubectl_complete-netns_audit is on the PATH.`,
    )
    .action((shell: keyof typeof SCRIPTS) => void process.stdout.write(SCRIPTS[shell]));
}
