using System.Runtime.CompilerServices;
using System.Text;

namespace Pachyderm.Migration.Engine;

/// <summary>The tags that a migration adds to a storage root, each written down durably before it is added.</summary>
internal sealed class TagList : IAsyncDisposable
{
    private readonly FileStream _file;

    private TagList(FileStream file) => _file = file;

    /// <summary>Opens the list for more; a line that a crash cut short is cut off.</summary>
    public static TagList Open(string path)
    {
        FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        long end = 0;
        for (int value = file.ReadByte(); value >= 0; value = file.ReadByte())
        {
            end = value == '\n' ? file.Position : end;
        }

        file.SetLength(end);
        file.Position = end;
        return new TagList(file);
    }

    /// <summary>Adds a line; returns when it is on disk.</summary>
    public async Task AddAsync(string tag, string objectHash, CancellationToken cancellationToken)
    {
        await _file.WriteAsync(Encoding.UTF8.GetBytes($"{tag} {objectHash}\n"), cancellationToken);
        _file.Flush(flushToDisk: true);
    }

    /// <summary>Reads the list.</summary>
    public static async IAsyncEnumerable<(string Tag, string ObjectHash)> ReadAsync(
        string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (string line in File.ReadLinesAsync(path, cancellationToken))
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space > 0)
            {
                yield return (line[..space], line[(space + 1)..]);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
