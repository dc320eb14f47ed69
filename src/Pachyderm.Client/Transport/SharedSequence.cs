namespace Pachyderm.Client.Transport;

/// <summary>A sequence that several consumers take from; each item goes to one of them.</summary>
internal sealed class SharedSequence<T>(IAsyncEnumerable<T> items, CancellationToken cancellationToken) : IAsyncDisposable
    where T : class
{
    private readonly IAsyncEnumerator<T> _items = items.GetAsyncEnumerator(cancellationToken);
    private readonly SemaphoreSlim _gate = new(1);
    private bool _ended;

    /// <summary>The next item; null at the end.</summary>
    public async ValueTask<T?> NextAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _ended = _ended || !await _items.MoveNextAsync();
            return _ended ? null : _items.Current;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _items.DisposeAsync();
        _gate.Dispose();
    }
}
