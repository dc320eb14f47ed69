using Pachyderm.Storage.Content;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>A stored file as an input. Files of several chunks are read a few chunks ahead.</summary>
/// <param name="contents">The store.</param>
/// <param name="path">Where it appears.</param>
/// <param name="content">Its content.</param>
internal sealed class StoredInputFile(FileContents contents, string path, FileContent content) : IInputFile
{
    /// <inheritdoc/>
    public string Path => path;

    /// <inheritdoc/>
    public long Size => content.Size;

    /// <inheritdoc/>
    public async Task CopyToAsync(Stream destination, CancellationToken cancellationToken)
    {
        await foreach (ChunkBuffer piece in contents.ReadAsync(content, 0, null, cancellationToken))
        {
            using (piece)
            {
                await destination.WriteAsync(piece.Memory, cancellationToken);
            }
        }
    }
}
