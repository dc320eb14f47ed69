using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Lets the one who makes things work beside the one who uses them.</summary>
internal static class Ahead
{
    /// <summary>Delivers what a source delivers, which goes on meanwhile until so many things wait.</summary>
    /// <param name="open">The source; is told to stop when nobody wants more.</param>
    /// <param name="waiting">Things that may wait, beside the one that is being made.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        Func<CancellationToken, IAsyncEnumerable<T>> open, int waiting, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var made = Channel.CreateBounded<T>(new BoundedChannelOptions(waiting) { SingleReader = true, SingleWriter = true });
        Task making = Task.Run(MakeAsync, CancellationToken.None);
        try
        {
            await foreach (T item in made.Reader.ReadAllAsync(cancellationToken))
            {
                yield return item;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await making;
        }

        async Task MakeAsync()
        {
            try
            {
                await foreach (T item in open(stop.Token))
                {
                    await made.Writer.WriteAsync(item, stop.Token);
                }
                made.Writer.Complete();
            }
            catch (Exception exception)
            {
                // Thrown where the things are used.
                made.Writer.Complete(exception);
            }
        }
    }
}
