using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Drawing;

/// <summary>
/// Inputs in one line, as list-pipeline shows them: <c>repo:glob</c>, <c>(a ⨯ b)</c>, <c>(a ∪ b)</c>, of a cron <c>name:spec</c>.
/// </summary>
public static class InputShorthand
{
    /// <summary>The line.</summary>
    public static string Of(Input input) => input switch
    {
        AtomInput atom => $"{atom.Repo}:{atom.Glob}",
        CronInput cron => $"{cron.Name}:{cron.Spec}",
        CrossInput cross => $"({string.Join(" \u2a2f ", cross.Inputs.Select(Of))})",
        UnionInput union => $"({string.Join(" \u222a ", union.Inputs.Select(Of))})",
        _ => throw new ArgumentOutOfRangeException(nameof(input)),
    };
}
