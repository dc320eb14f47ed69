namespace Pachyderm.Metadata;

/// <summary>A name for an object.</summary>
/// <param name="Name">The tag.</param>
/// <param name="ObjectHash">The object's name.</param>
public sealed record TagRecord(string Name, string ObjectHash);
