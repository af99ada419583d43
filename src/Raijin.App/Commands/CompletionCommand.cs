using System.CommandLine;

namespace Raijin.App;

/// <summary><c>raijin completion SHELL</c>: prints a script that lets the shell ask <c>raijin [suggest]</c> what may come next.</summary>
sealed class CompletionCommand : CliCommand
{
    static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = """
            _raijin() {
                local candidates IFS=$'\n'
                candidates=$(raijin "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)
                COMPREPLY=($(compgen -W "${candidates}" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _raijin raijin
            """,
        ["zsh"] = """
            #compdef raijin
            _raijin() {
                local -a candidates
                candidates=("${(@f)$(raijin "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
                if [[ -n "${candidates}" ]]; then compadd -a candidates; else _files; fi
            }
            compdef _raijin raijin
            """,
        ["fish"] = """
            complete -c raijin -a '(raijin "[suggest:"(commandline -C)"]" (commandline -cp | string collect) 2>/dev/null)'
            """,
        ["pwsh"] = """
            Register-ArgumentCompleter -Native -CommandName raijin -ScriptBlock {
                param($word, $command, $position)
                raijin "[suggest:$position]" "$command" 2>$null | Where-Object { $_ -like "$word*" } |
                    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
            }
            """,
    };

    readonly Argument<string> _shell = new("SHELL") { Description = "bash, zsh, fish or pwsh" };

    /// <summary>Makes the command.</summary>
    public CompletionCommand() : base("completion", "Prints a tab completion script for a shell")
    {
        _shell.CompletionSources.Add([.. Scripts.Keys]);
        Arguments.Add(_shell);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "source <(raijin completion bash)",
        "raijin completion fish > ~/.config/fish/completions/raijin.fish",
        "raijin completion pwsh | Out-String | Invoke-Expression",
    ];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        var shell = invocation.Get(_shell)!;
        if (!Scripts.TryGetValue(shell, out var written)) throw new InvalidOptionsException([new($"SHELL = {shell}", $"allowed: {string.Join(", ", Scripts.Keys)}")]);
        // A shell function's name takes no dots or dashes; the program's may have them.
        var script = invocation.App.AsTyped(written.Replace("_raijin", "_" + string.Concat(invocation.App.Name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_')), StringComparison.Ordinal));
        if (invocation.Terminal.Json)
        {
            JsonReport.Write(invocation.Terminal, "completion", ExitCodes.Success, json => json.WriteString("script", script));
        }
        else
        {
            invocation.Terminal.Out.WriteLine(script.ReplaceLineEndings("\n"));
        }
        return ExitCodes.Success;
    }
}
