using Spectre.Console;

namespace Pachyderm.Pachctl.Output;

/// <summary>Tables on standard output.</summary>
internal static class Tables
{
    private const int WideEnough = 10_000;

    /// <summary>Writes a table; off a terminal nothing is cut or folded, since a script may read it.</summary>
    public static void Write(Table table)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = WideEnough;
        }

        AnsiConsole.Write(table);
    }
}
