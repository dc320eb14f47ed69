using Microsoft.Win32.SafeHandles;
using Pachyderm.Storage.Adoption;

namespace Pachyderm.Storage.Packs;

/// <summary>A pack as the running store knows it.</summary>
/// <param name="number">Its short name in the index, never used twice.</param>
/// <param name="id">Its name.</param>
/// <param name="startPosition">
/// The position of the append log (see <see cref="Spool"/>) at which offset 0 of the pack lies; <see cref="Past"/> for a pack that an
/// earlier process wrote.
/// </param>
internal sealed class PackFile(uint number, PackId id, long startPosition)
{
    /// <summary>A start so long ago that everything in the pack is durable.</summary>
    public const long Past = long.MinValue / 2;

    private volatile string? _spoolPath;
    private volatile SafeFileHandle? _handle;
    private volatile bool _touched;
    private volatile bool _condemned;

    /// <summary>Its short name in the index.</summary>
    public uint Number => number;

    /// <summary>Its name.</summary>
    public PackId Id => id;

    /// <summary>The position of the append log at its offset 0.</summary>
    public long StartPosition => startPosition;

    /// <summary>Its length in the object store; 0 before it is there.</summary>
    public long Length { get; set; }

    /// <summary>Its version, as far as it is known; see <see cref="PackFormat"/>.</summary>
    public ushort Version { get; set; } = PackFormat.Version;

    /// <summary>What it adopts; null for a pack whose chunks are in it.</summary>
    public PackAdoption? Adoption { get; set; }

    /// <summary>The position of the append log at which its records end; known once it is sealed.</summary>
    public long EndPosition { get; set; } = Past;

    /// <summary>The file in the spool, or null once it is in the object store.</summary>
    public string? SpoolPath
    {
        get => _spoolPath;
        set => _spoolPath = value;
    }

    /// <summary>An open handle, if there is one. It may be closed at any time: a read then throws, and opens again.</summary>
    public SafeFileHandle? Handle
    {
        get => _handle;
        set => _handle = value;
    }

    /// <summary>Whether the handle was used since it was last looked at.</summary>
    public bool Touched
    {
        get => _touched;
        set => _touched = value;
    }

    /// <summary>Whether garbage collection is about to remove the pack, so that nothing new may refer to it.</summary>
    public bool Condemned
    {
        get => _condemned;
        set => _condemned = value;
    }
}
