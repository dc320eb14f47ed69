namespace Pachyderm.Metadata;

/// <summary>Something wrong in a metadata store.</summary>
/// <param name="Id">Stable identifier of the kind, in kebab case; scripts may match on it.</param>
/// <param name="Thing">The record or file.</param>
/// <param name="Problem">What is wrong with it, without a final full stop.</param>
/// <param name="Remedy">What to do about it, without a final full stop.</param>
/// <param name="Fixed">Whether it has been put right.</param>
public sealed record MetadataFinding(string Id, string Thing, string Problem, string Remedy, bool Fixed);
