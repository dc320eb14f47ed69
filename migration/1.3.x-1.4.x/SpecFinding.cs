namespace Pachyderm.Migration.Specs;

/// <summary>Something about a spec that the conversion cannot settle by itself.</summary>
/// <param name="Path">Where in the old spec, such as <c>$.inputs[0].run_empty</c>.</param>
/// <param name="Severity">How much it asks of a person.</param>
/// <param name="Message">What is the matter and what to do, as a sentence without a final full stop.</param>
public sealed record SpecFinding(string Path, SpecFindingSeverity Severity, string Message);

/// <summary>How much a finding asks of a person.</summary>
public enum SpecFindingSeverity
{
    /// <summary>Worth knowing; nothing to do.</summary>
    Note,

    /// <summary>The spec works, but may not do what it did: look at it.</summary>
    Warning,

    /// <summary>The spec, its code or its data cannot be right until a person has decided.</summary>
    Decide,
}
