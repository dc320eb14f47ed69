namespace Pachyderm.Pps.Records;

/// <summary>
/// Pipelines, jobs and datums in the form in which they are stored: JSON that says its format, which every later release reads. For those
/// who
/// carry them from store to store.
/// </summary>
public static class RecordBytes
{
    /// <summary>Encodes a pipeline. Where it stood among others is left out.</summary>
    public static byte[] Of(PipelineRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return RecordCodec.Encode(record with { Revision = 0 });
    }

    /// <summary>Encodes a job. Where it stood among others is left out.</summary>
    public static byte[] Of(JobRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return RecordCodec.Encode(record with { Revision = 0, Queued = 0 });
    }

    /// <summary>Encodes a datum.</summary>
    public static byte[] Of(DatumRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return RecordCodec.Encode(record);
    }

    /// <summary>Decodes a pipeline.</summary>
    /// <exception cref="Errors.OperatorException">A later release wrote it, or it is damaged.</exception>
    public static PipelineRecord ToPipeline(ReadOnlyMemory<byte> bytes) => RecordCodec.DecodePipeline(bytes, "a pipeline");

    /// <summary>Decodes a job.</summary>
    /// <exception cref="Errors.OperatorException">A later release wrote it, or it is damaged.</exception>
    public static JobRecord ToJob(ReadOnlyMemory<byte> bytes) => RecordCodec.DecodeJob(bytes, "a job");

    /// <summary>Decodes a datum.</summary>
    /// <param name="index">Its place in its job.</param>
    /// <param name="bytes">The encoding.</param>
    /// <exception cref="Errors.OperatorException">A later release wrote it, or it is damaged.</exception>
    public static DatumRecord ToDatum(int index, ReadOnlyMemory<byte> bytes) => RecordCodec.DecodeDatum(index, bytes, "a datum");
}
