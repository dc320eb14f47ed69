using System.Buffers.Binary;
using System.Text;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// How far an import has come, and what each commit was in the source: rows of the metadata store, written together with the records that
/// they
/// tell of, and removed by <c>finalize</c>.
/// </summary>
internal static class ImportProgress
{
    /// <summary>How far each kind of record has come; the key is its name.</summary>
    public const int Cursors = 100;

    /// <summary>What the root of each finished commit was in the source; the key is repo, null and identifier.</summary>
    public const int Roots = 101;

    private const int RootLength = ChunkId.Length + (2 * sizeof(long));

    /// <summary>How many records of a kind are imported; null if all are.</summary>
    public static long? Read(IMetadataReader reader, string kind) =>
        reader.FindRow(Cursors, Encoding.UTF8.GetBytes(kind)) is not { } row ? 0
            : BinaryPrimitives.ReadInt64BigEndian(row.Span) is var done and >= 0 ? done : null;

    /// <summary>Notes how many records of a kind are imported; null for all.</summary>
    public static void Write(IMetadataWriter writer, string kind, long? done)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(value, done ?? -1);
        writer.PutRow(Cursors, Encoding.UTF8.GetBytes(kind), value);
    }

    /// <summary>What the root of a commit was in the source.</summary>
    public static SourceRoot? FindRoot(IMetadataReader reader, CommitKey commit) =>
        reader.FindRow(Roots, RootKey(commit)) is { Length: RootLength } row
            ? new SourceRoot(
                new ChunkId(row.Span),
                BinaryPrimitives.ReadInt64BigEndian(row.Span[ChunkId.Length..]),
                BinaryPrimitives.ReadInt64BigEndian(row.Span[(ChunkId.Length + sizeof(long))..]))
            : null;

    /// <summary>Notes what the root of a commit was in the source.</summary>
    public static void PutRoot(IMetadataWriter writer, CommitKey commit, SourceRoot root)
    {
        Span<byte> value = stackalloc byte[RootLength];
        root.Hash.CopyTo(value);
        BinaryPrimitives.WriteInt64BigEndian(value[ChunkId.Length..], root.Size);
        BinaryPrimitives.WriteInt64BigEndian(value[(ChunkId.Length + sizeof(long))..], root.Files);
        writer.PutRow(Roots, RootKey(commit), value);
    }

    /// <summary>Removes everything, a page at a time.</summary>
    /// <returns>Whether something may be left.</returns>
    public static bool RemoveSome(IMetadataWriter writer)
    {
        const int Page = 10_000;
        bool more = false;
        foreach (int space in (int[])[Roots, Cursors])
        {
            IReadOnlyList<StoredRow> rows = writer.ListRows(space, [], null, Page);
            foreach (StoredRow row in rows)
            {
                writer.DeleteRow(space, row.Key.Span);
            }
            more |= rows.Count == Page;
        }
        return more;
    }

    private static byte[] RootKey(CommitKey commit) => Encoding.UTF8.GetBytes($"{commit.Repo}\0{commit.Id}");
}

/// <summary>The root directory of a commit in the source.</summary>
/// <param name="Hash">Its hash.</param>
/// <param name="Size">Bytes of all files.</param>
/// <param name="Files">Number of files.</param>
internal readonly record struct SourceRoot(ChunkId Hash, long Size, long Files);
