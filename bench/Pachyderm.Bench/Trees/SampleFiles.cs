using System.Buffers.Binary;
using System.Globalization;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Bench.Trees;

/// <summary>Files of about 4 KiB for trees; the same number gives the same file.</summary>
internal static class SampleFiles
{
    /// <summary>How many files a directory has where not all are in one.</summary>
    internal const int PerDirectory = 100;

    internal static TreePath Path(int number, bool flat) =>
        flat
            ? TreePath.Clean(string.Create(CultureInfo.InvariantCulture, $"/file-{number:d8}.json"))!.Value
            : TreePath.Clean(string.Create(CultureInfo.InvariantCulture, $"/d{number / PerDirectory:d5}/f{number % PerDirectory:d3}.json"))!.Value;

    internal static FileContent Content(int number, int version = 0)
    {
        Span<byte> seed = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(seed, number);
        BinaryPrimitives.WriteInt32LittleEndian(seed[4..], version);
        ChunkId id = ChunkId.Of(seed);
        int length = 4_096 + (int)(id.Prefix % 512);
        ChunkId hash = ChunkId.Of(id.ToArray());
        return new FileContent(length, hash, [new ChunkReference(id, length)], 0);
    }

    internal static PutFile Put(int number, bool flat, int version = 0) => new(Path(number, flat), Content(number, version), Overwrite: version > 0);

    internal static async Task<DirectoryReference> BuildAsync(TreeBuilder builder, int files, bool flat, CancellationToken cancellationToken)
    {
        for (int number = 0; number < files; number++)
        {
            await builder.AddFileAsync(Path(number, flat), Content(number), cancellationToken);
        }
        return await builder.FinishAsync(cancellationToken);
    }

    internal static ValueTask<FileContent> ConcatAsync(IReadOnlyList<FileContent> parts, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(new FileContent(parts.Sum(part => part.Size), parts[0].Hash, [.. parts.SelectMany(part => part.Chunks)], 0));
    }
}
