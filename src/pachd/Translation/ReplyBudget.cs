using Google.Protobuf;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Translation;

/// <summary>Counts the bytes of a reply while it is put together, so that one that no client would take is refused before it takes memory.</summary>
/// <param name="what">What there is too much of.</param>
/// <param name="streamingCall">The call that has no such limit.</param>
internal sealed class ReplyBudget(string what, string streamingCall)
{
    private long size;

    /// <summary>Takes one more item of a repeated field.</summary>
    /// <exception cref="PfsException">The reply would be too large.</exception>
    public T Take<T>(T item)
        where T : IMessage
    {
        int length = item.CalculateSize();
        size += 1 + CodedOutputStream.ComputeLengthSize(length) + length;
        return size <= PachdHost.MaximumMessage ? item : throw new PfsException(
            PfsErrorKind.TooLarge,
            $"the {what} are more than the {PachdHost.MaximumMessage >> 20} MiB that one message may have; "
            + $"ask with {streamingCall}, which streams them (pachctl of this release does), or for less at a time");
    }
}

/// <summary>Puts items together in messages of moderate size.</summary>
internal static class Pieces
{
    private const int Length = 256 << 10;

    /// <summary>Sends items in pieces; none are sent if there are none.</summary>
    /// <param name="items">The items.</param>
    /// <param name="add">Adds an item to the piece, and returns its length.</param>
    /// <param name="create">Makes an empty piece.</param>
    /// <param name="sendAsync">Sends a piece.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task SendAsync<TItem, TPiece>(
        IAsyncEnumerable<TItem> items, Func<TPiece> create, Func<TPiece, TItem, int> add, Func<TPiece, Task> sendAsync, CancellationToken cancellationToken)
    {
        TPiece piece = create();
        int length = 0;
        await foreach (TItem item in items.WithCancellation(cancellationToken))
        {
            length += add(piece, item);
            if (length >= Length)
            {
                await sendAsync(piece);
                piece = create();
                length = 0;
            }
        }
        if (length > 0)
        {
            await sendAsync(piece);
        }
    }
}
