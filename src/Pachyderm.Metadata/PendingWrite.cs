namespace Pachyderm.Metadata;

/// <summary>A write to an open commit that is not folded into its tree yet.</summary>
/// <param name="Sequence">Its place among the writes of all commits; ascending in the order of the transactions that added them.</param>
/// <param name="Payload">What is written, encoded by the caller.</param>
public readonly record struct PendingWrite(long Sequence, ReadOnlyMemory<byte> Payload);
