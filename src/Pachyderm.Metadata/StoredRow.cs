namespace Pachyderm.Metadata;

/// <summary>A record of another room, which the store keeps in its transactions without knowing what it means.</summary>
/// <param name="Key">Its key within its space; rows are ordered by the bytes of their keys.</param>
/// <param name="Value">What the room keeps, encoded by it.</param>
public readonly record struct StoredRow(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value);
