using System.Buffers;
using Pachyderm.Formats;

namespace Pachyderm.Migration.Survey;

/// <summary>
/// Writes index keys into one buffer again and again. Names of plain characters, which is what servers let through, need no quoting and
/// no cleaning; all others take the way of <see cref="ClusterKeys"/>.
/// </summary>
/// <param name="keys">The cluster's keys.</param>
internal sealed class IndexKeyWriter(ClusterKeys keys)
{
    private static readonly SearchValues<byte> Plain =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"u8);

    private readonly byte[] _commits = keys.Prefix(RecordKind.Commit);
    private readonly ArrayBufferWriter<byte> _key = new(512);

    /// <summary>The same as <see cref="ClusterKeys.CommitProvenanceIndex"/>; valid until the next call.</summary>
    public ReadOnlySpan<byte> CommitProvenance(
        ReadOnlySpan<byte> repo, ReadOnlySpan<byte> id, ReadOnlySpan<byte> provenanceRepo, ReadOnlySpan<byte> provenanceId)
    {
        if (!IsPlain(repo) || !IsPlain(id) || !IsPlain(provenanceRepo) || !IsPlain(provenanceId))
        {
            return keys.CommitProvenanceIndex(repo, id, provenanceRepo, provenanceId);
        }

        _key.ResetWrittenCount();
        _key.Write(_commits);
        _key.Write(repo);
        _key.Write("__index_{Provenance %!s(bool=true)}/repo:<name:\""u8);
        _key.Write(provenanceRepo);
        _key.Write("\" > id:\""u8);
        _key.Write(provenanceId);
        _key.Write("\" /"u8);
        _key.Write(id);
        return _key.WrittenSpan;
    }

    private static bool IsPlain(ReadOnlySpan<byte> name) => !name.IsEmpty && name.IndexOfAnyExcept(Plain) < 0;
}
