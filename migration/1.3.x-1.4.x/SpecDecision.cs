namespace Pachyderm.Migration.Specs;

/// <summary>One change that the conversion made to a spec.</summary>
/// <param name="Path">Where it was in the old spec, such as <c>$.inputs[0].method</c>.</param>
/// <param name="Was">The old value as compact JSON, shortened when long; <c>nothing</c> when the field was absent.</param>
/// <param name="Became">What stands for it in the new spec; <c>nothing</c> when it was dropped.</param>
/// <param name="Why">The reason, as a clause without a final full stop.</param>
public sealed record SpecDecision(string Path, string Was, string Became, string Why);
