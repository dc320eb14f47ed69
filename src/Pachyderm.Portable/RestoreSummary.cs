namespace Pachyderm.Portable;

/// <summary>What a restore made of a stream.</summary>
/// <param name="Bytes">Bytes of the stream.</param>
/// <param name="Chunks">Chunks in it.</param>
/// <param name="Created">Records that were written: repos, commits, branches, objects, tags, pipelines, jobs.</param>
/// <param name="Present">Records that were there already, and equal.</param>
/// <param name="Pipelines">Names of the pipelines that were written, which may run now.</param>
public sealed record RestoreSummary(long Bytes, long Chunks, long Created, long Present, IReadOnlyList<string> Pipelines);
