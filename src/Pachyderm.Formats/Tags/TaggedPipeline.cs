namespace Pachyderm.Formats;

/// <summary>What of a pipeline counts for the tags of its datums.</summary>
/// <param name="Name">Pipeline name, UTF-8.</param>
/// <param name="Id">1.4's pipeline id, which is new after each update.</param>
/// <param name="Version">Version of the pipeline, from 1.</param>
/// <param name="Salt">1.5.1's salt; only <see cref="TagRecipe.Since151"/> uses it.</param>
/// <param name="Transform">The transform as it stands in the pipeline's record. It is not changed.</param>
public sealed record TaggedPipeline(
    ReadOnlyMemory<byte> Name,
    ReadOnlyMemory<byte> Id,
    ulong Version,
    ReadOnlyMemory<byte> Salt,
    V1_4.Transform Transform);
