namespace Pachyderm.Migration.Survey;

/// <summary>What a finding means for the migration.</summary>
public enum FindingSeverity
{
    /// <summary>For information.</summary>
    Note,

    /// <summary>Worth knowing before going on; the migration runs.</summary>
    Warning,

    /// <summary>The migration does not run unless the finding is removed, or accepted where that is possible.</summary>
    Blocker,
}

/// <summary>One thing that was found in a store: what it is about, what is the matter and what to do.</summary>
/// <param name="Id">Stable identifier in kebab case, such as <c>open-commit</c>.</param>
/// <param name="Severity">What it means for the migration.</param>
/// <param name="Thing">The key, repo, object or address.</param>
/// <param name="Problem">What is the matter.</param>
/// <param name="Remedy">What to do.</param>
public sealed record Finding(string Id, FindingSeverity Severity, string Thing, string Problem, string Remedy)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Severity.ToString().ToLowerInvariant()} {Id}: {Thing}: {Problem}; {Remedy}";
}
