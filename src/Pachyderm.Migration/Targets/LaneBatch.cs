using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>Writes of a lane that share a transaction.</summary>
/// <param name="Number">Its number in the lane, from 1.</param>
/// <param name="Members">The writes.</param>
internal sealed record LaneBatch(long Number, IReadOnlyList<LaneWrite> Members)
{
    /// <summary>Guards, and at most as many writes, that its transaction has.</summary>
    public int Operations => Members.Count + 2;

    /// <summary>Bytes of its keys and values.</summary>
    public long Bytes { get; } = Members.Sum(member => (long)member.Write.Key.Length + (member.Write.Value?.Length ?? 0));

    /// <summary>
    /// The transaction that applies it if the batch before it is the last that was applied, and otherwise tries <paramref name="next"/>.
    /// </summary>
    public RecordTransaction ToTransaction(byte[] progressKey, RecordGuard fence, RecordTransaction? next)
    {
        // The progress comes first: it is what most often fails to hold, and the store looks no further then.
        List<RecordGuard> guards = new(Operations)
        {
            Number == 1 ? RecordGuard.Absent(progressKey) : RecordGuard.HasValue(progressKey, LaneProgress.Encode(Number - 1)),
            fence,
        };
        List<RecordWrite> writes = new(Operations) { RecordWrite.Put(progressKey, LaneProgress.Encode(Number)) };
        foreach (LaneWrite member in Members)
        {
            writes.Add(member.Write);
            if (member.ExpectedModRevision >= 0)
            {
                guards.Add(RecordGuard.Unchanged(member.Write.Key, member.ExpectedModRevision));
            }
        }

        return new RecordTransaction(guards, writes) { Otherwise = next };
    }
}
