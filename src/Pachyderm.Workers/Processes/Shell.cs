using System.Globalization;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Workers.Resources;

namespace Pachyderm.Workers.Processes;

/// <summary>The small shell scripts that start user code. Everything in them that comes from outside is quoted.</summary>
internal static class Shell
{
    /// <summary>Name of the supervisor's script in the control directory.</summary>
    internal const string SupervisorName = "supervisor";

    /// <summary>Name of the file that is every command's standard input.</summary>
    internal const string StdinName = "stdin";

    /// <summary>The environment that a command starts with where no image brings one.</summary>
    internal static readonly IReadOnlyDictionary<string, string> BaseEnvironment = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ["LANG"] = "C.UTF-8",
    };

    // Variables that a shell treats as its own, so that they must not pass through one.
    private static readonly HashSet<string> ShellVariables = new(StringComparer.Ordinal)
    {
        "IFS", "OPTIND", "OPTARG", "PPID", "UID", "EUID", "GROUPS", "PWD", "OLDPWD", "LINENO", "RANDOM", "SECONDS", "SHELLOPTS", "BASHOPTS",
        "BASH_ENV", "ENV", "_", "PS1", "PS2", "PS4", "SHLVL", "POSIXLY_CORRECT", "HISTCMD", "DIRSTACK", "FUNCNAME", "EPOCHSECONDS",
    };

    /// <summary>
    /// The supervisor, the first process that a sandbox or container runs. For each line on its standard input, which names a script and the
    /// digits of an end mark, it runs the script, kills whatever it started, and prints the mark. It refuses to run outside a namespace of
    /// processes, where killing every other process would be a catastrophe.
    /// </summary>
    internal const string Supervisor = """
        [ $$ -le 16 ] || exit 96
        pach_here=${0%/*}
        key() { pach_headed=1; }
        pach_lists=
        for pach_list in /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg; do
          [ -r "$pach_list" ] && pach_lists="$pach_lists $pach_list"
        done
        while IFS=' ' read -r pach_run pach_digits; do
          pach_code=0
          if [ "$pach_run" != - ]; then
            # Opened anew, so that no mode that user code sets on its output stays.
            ( exec <"$pach_here/stdin" >/proc/self/fd/1 2>/proc/self/fd/2; . "$pach_here/$pach_run" )
            pach_code=$?
          fi
          pach_soiled=0
          {
            # Every process but this one and the first; the subshell takes in those that are dead, should this be the first one itself.
            [ "$pach_run" = - ] || while kill -KILL -1; do ( : ); done
            # Shared memory, semaphores and message queues outlive processes: then this sandbox is not used again. Run as a script, a list
            # calls "key", which heads it, and fails at any line behind. A shell that runs nothing there reads instead, mostly byte by byte.
            for pach_list in $pach_lists; do
              pach_headed=0
              . "$pach_list" || pach_soiled=1
              [ $pach_headed = 1 ] || { read -r pach_line && read -r pach_line && pach_soiled=1; } <"$pach_list"
            done
          } 2>/dev/null
          printf '\001%s:%03d:%d\n' "$pach_digits" "$pach_code" "$pach_soiled" >&2
          printf '\001%s:%03d:%d\n' "$pach_digits" "$pach_code" "$pach_soiled"
        done

        """;

    /// <summary>A word that the shell takes as it is.</summary>
    internal static string Quote(string word) => "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    /// <summary>The script that becomes a datum's command.</summary>
    /// <param name="spec">The pipeline's command.</param>
    /// <param name="environment">All variables.</param>
    /// <param name="directory">Where it starts, or <see langword="null"/> for where the shell is.</param>
    internal static string CommandScript(WorkerSpec spec, IReadOnlyDictionary<string, string> environment, string? directory)
    {
        StringBuilder script = new();
        if (directory is not null)
        {
            script.Append("cd ").Append(Quote(directory)).Append(" || exit 126\n");
        }

        StringBuilder odd = new();
        foreach ((string name, string value) in environment)
        {
            _ = IsShellName(name)
                ? script.Append("export ").Append(name).Append('=').Append(Quote(value)).Append('\n')
                : odd.Append(' ').Append(Quote($"{name}={value}"));
        }

        script.Append("exec");
        if (odd.Length > 0)
        {
            // Names that a shell cannot hold go through env, which takes words with = for variables; nice does not.
            script.Append(" env").Append(odd).Append(spec.Command[0].Contains('=', StringComparison.Ordinal) ? " nice -n 0" : "");
        }

        foreach (string word in spec.Command)
        {
            script.Append(' ').Append(Quote(word));
        }

        return script.Append('\n').ToString();
    }

    /// <summary>The script that puts itself under limits and becomes its arguments.</summary>
    internal static string EnterScript(ControlGroup? group, ResourceLimits limits, long? largestFile)
    {
        StringBuilder script = new("ulimit -c 0\n");
        foreach (string file in group?.EntryFiles ?? [])
        {
            script.Append("echo 0 >").Append(Quote(file)).Append(" || exit 96\n");
        }

        if (limits.MemoryBytes is { } memory && group is not { LimitsMemory: true })
        {
            script.Append(CultureInfo.InvariantCulture, $"ulimit -v {Math.Max(1, memory / 1024)}\n");
        }

        if (largestFile is { } bytes)
        {
            script.Append(CultureInfo.InvariantCulture, $"ulimit -f {(bytes / 512) + 1}\n");
        }

        return script.Append("exec \"$@\"\n").ToString();
    }

    /// <summary>Refuses what no process can be started with.</summary>
    /// <exception cref="OperatorException">The pipeline's command or environment is unusable.</exception>
    internal static void Check(WorkerSpec spec)
    {
        if (spec.Command.Count == 0 || spec.Command[0].Length == 0)
        {
            throw Unusable(spec, "it has no command", "give transform.cmd");
        }

        if (spec.Command.Concat(spec.Environment.Values).Concat(spec.Environment.Keys).Any(text => text.Contains('\0', StringComparison.Ordinal)))
        {
            throw Unusable(spec, "its command or environment has a zero byte in it", "remove it");
        }

        if (spec.Environment.Keys.Any(name => name.Length == 0 || name.Contains('=', StringComparison.Ordinal)))
        {
            throw Unusable(spec, "an environment variable has an empty name or one with = in it", "rename it in transform.env");
        }
    }

    private static OperatorException Unusable(WorkerSpec spec, string problem, string remedy) =>
        new("command-unusable", $"pipeline {spec.Name}", problem, remedy);

    private static bool IsShellName(string name) =>
        !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && !ShellVariables.Contains(name)
        && !name.StartsWith("BASH", StringComparison.Ordinal);
}
