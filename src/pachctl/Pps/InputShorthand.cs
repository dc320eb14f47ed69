using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Pps;

/// <summary>
/// Inputs in one line, as list-pipeline shows them: <c>repo:glob</c>, <c>(a ⨯ b)</c>, <c>(a ∪ b)</c>, of a cron <c>name:spec</c>.
/// </summary>
internal static class InputShorthand
{
    /// <summary>The line; a dash if there is no input.</summary>
    public static string Of(Input? input) => input switch
    {
        { Atom: { } atom } => $"{atom.Repo}:{atom.Glob}",
        { Cron: { } cron } => $"{cron.Name}:{cron.Spec}",
        { Cross.Count: > 0 } => $"({string.Join(" \u2a2f ", input.Cross.Select(Of))})",
        { Union.Count: > 0 } => $"({string.Join(" \u222a ", input.Union.Select(Of))})",
        _ => "-",
    };

    /// <summary>The repos that an input reads, each once, in order.</summary>
    public static IReadOnlyList<string> Repos(Input? input) => [.. Leaves(input).Distinct(StringComparer.Ordinal)];

    private static IEnumerable<string> Leaves(Input? input) => input is null
        ? []
        : new[] { input.Atom?.Repo, input.Cron?.Repo }.OfType<string>().Concat(input.Cross.Concat(input.Union).SelectMany(Leaves));
}
