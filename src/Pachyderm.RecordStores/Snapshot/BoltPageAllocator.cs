using System.Buffers.Binary;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>Numbers the pages of a database in the order of their writing, and holds them until their owner has stored them.</summary>
internal sealed class BoltPageAllocator(int pageSize)
{
    /// <summary>Two meta pages and the list of free pages come first.</summary>
    public const int ReservedPages = 3;

    private byte[] _pending = [];
    private int _pendingLength;

    public int PageSize => pageSize;

    /// <summary>The number of the next page, and thus the number of pages so far.</summary>
    public ulong NextPage { get; private set; } = ReservedPages;

    /// <summary>Pages that are not stored yet. They follow those that are.</summary>
    public ReadOnlyMemory<byte> Pending => _pending.AsMemory(0, _pendingLength);

    /// <summary>Gives a page (with its overflow pages) its number and takes over its bytes.</summary>
    public ulong Append(Span<byte> page)
    {
        ulong id = NextPage;
        BinaryPrimitives.WriteUInt64LittleEndian(page, id);
        if (_pendingLength + page.Length > _pending.Length)
        {
            Array.Resize(ref _pending, checked(Math.Max(_pendingLength + page.Length, _pending.Length * 2)));
        }

        page.CopyTo(_pending.AsSpan(_pendingLength));
        _pendingLength += page.Length;
        NextPage += (ulong)(page.Length / pageSize);
        return id;
    }

    /// <summary>To be called when <see cref="Pending"/> is stored.</summary>
    public void ClearPending() => _pendingLength = 0;
}
