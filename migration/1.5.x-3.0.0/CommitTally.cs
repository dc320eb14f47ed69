using System.Buffers.Binary;
using System.Text;
using Pachyderm.Metadata;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.Storage.Content;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Sums commits up.</summary>
internal sealed class CommitTally
{
    private long commits;
    private long files;
    private long bytes;
    private MultisetDigest digest;

    /// <summary>Adds a commit.</summary>
    public void Add(CommitKey commit, SourceRoot root)
    {
        byte[] value = new byte[ChunkId.Length + (2 * sizeof(long))];
        root.Hash.CopyTo(value);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(ChunkId.Length), root.Size);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(ChunkId.Length + sizeof(long)), root.Files);
        digest.Add(MultisetDigest.Of(Encoding.UTF8.GetBytes($"{commit.Repo}/{commit.Id}"), value));
        commits++;
        files += root.Files;
        bytes += root.Size;
    }

    /// <summary>The sums.</summary>
    public ImportedCommits ToSummary() => new(commits, files, bytes, digest.ToString());
}
