using System.CommandLine;

namespace Pachyderm.Pachctl.Commands;

/// <summary>
/// <c>pachctl completion</c>: scripts that make a shell complete commands and flags. They ask pachctl itself, by its suggest directive.
/// </summary>
internal static class CompletionCommand
{
    private const string Bash =
        """
        _pachctl() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _pachctl pachctl
        """;

    private const string Zsh =
        """
        #compdef pachctl
        _pachctl() {
          local -a suggestions
          suggestions=("${(@f)$("${words[1]}" "[suggest:${#BUFFER}]" "$BUFFER" 2>/dev/null)}")
          compadd -a suggestions || _files
        }
        compdef _pachctl pachctl
        """;

    private const string Fish =
        """
        complete -c pachctl -a '(pachctl "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
        """;

    public static Command Create()
    {
        Argument<string> shell = new("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        Command command = new(
            "completion",
            """
            Print a script that makes a shell complete commands and flags.

            Examples:
              source <(pachctl completion bash)                                   # in ~/.bashrc
              source <(pachctl completion zsh)                                    # in ~/.zshrc
              pachctl completion fish > ~/.config/fish/completions/pachctl.fish
            """)
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            Console.Out.WriteLine(parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return ExitCodes.Done;
        });
        return command;
    }
}
