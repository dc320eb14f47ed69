using Google.Protobuf;
using Pachyderm.Formats;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>What 1.4.0 to 1.4.3 wrote and no later release reads: <c>gc_policy</c> of pipelines and <c>error</c> of jobs.</summary>
internal static class Leftovers
{
    /// <summary>Removes them from the wire form of a 1.4 record. The text stays in the backup.</summary>
    public static ReadOnlySpan<byte> Remove(RecordKind kind, ReadOnlySpan<byte> wire, ref RecordChanges changes)
    {
        if (kind == RecordKind.Pipeline)
        {
            var pipeline = Formats.V1_4.PipelineInfo.Parser.ParseFrom(wire);
            if (pipeline.GcPolicy is null)
            {
                return wire;
            }

            pipeline.GcPolicy = null;
            changes |= RecordChanges.LeftoversDropped;
            return pipeline.ToByteArray();
        }

        if (!MayHaveError(wire))
        {
            return wire;
        }

        var job = Formats.V1_4.JobInfo.Parser.ParseFrom(wire);
        if (job.Error.IsEmpty)
        {
            return wire;
        }

        job.Error = ByteString.Empty;
        changes |= RecordChanges.LeftoversDropped;
        return job.ToByteArray();
    }

    /// <summary>
    /// Whether the two bytes of the tag of a job's <c>error</c> stand anywhere: looking for them is cheaper than reading every job twice.
    /// </summary>
    public static bool MayHaveError(ReadOnlySpan<byte> wire)
    {
        const uint Tag = (Formats.V1_4.JobInfo.ErrorFieldNumber << 3) | 2;
        return wire.IndexOf([(byte)((Tag & 0x7f) | 0x80), (byte)(Tag >> 7)]) >= 0;
    }
}
