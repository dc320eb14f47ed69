using Microsoft.Win32.SafeHandles;

namespace Pachyderm.Storage.Packs;

/// <summary>A pack in the spool, from its creation until it is in the object store.</summary>
/// <param name="pack">The pack.</param>
/// <param name="handle">Its file.</param>
/// <param name="path">The name of the file.</param>
/// <param name="entries">What it holds so far.</param>
internal sealed class OpenPack(PackFile pack, SafeFileHandle handle, string path, List<PackEntry> entries)
{
    /// <summary>The pack.</summary>
    public PackFile Pack => pack;

    /// <summary>Its file.</summary>
    public SafeFileHandle Handle => handle;

    /// <summary>The name of the file.</summary>
    public string Path => path;

    /// <summary>What it holds so far.</summary>
    public List<PackEntry> Entries => entries;

    /// <summary>Where the next record goes.</summary>
    public long Tail { get; set; }

    /// <summary>Up to where the file is durable.</summary>
    public long FlushedTail { get; set; }

    /// <summary>Whether its name is durable.</summary>
    public bool NameFlushed { get; set; }

    /// <summary>Length with its footer once that is durable, else 0.</summary>
    public long SealedLength { get; set; }

    /// <summary>Whether a flush failed. What was durable before goes on as another <see cref="OpenPack"/> of the same file.</summary>
    public bool Failed { get; set; }

    /// <summary>The position in the append log at which it ends.</summary>
    public long EndPosition => pack.StartPosition + Tail;
}
