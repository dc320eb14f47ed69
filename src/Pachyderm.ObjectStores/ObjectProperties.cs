namespace Pachyderm.ObjectStores;

/// <summary>What a listing tells of an object.</summary>
/// <param name="Key">The key.</param>
/// <param name="SizeBytes">Size in bytes.</param>
public readonly record struct ObjectProperties(string Key, long SizeBytes);
