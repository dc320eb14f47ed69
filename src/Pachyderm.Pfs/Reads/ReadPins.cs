using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// What is being read at present. Garbage collection keeps it, though a commit may have been deleted or folded on since the reading began.
/// </summary>
internal sealed class ReadPins
{
    private readonly Lock gate = new();
    private readonly HashSet<ReadPin> pins = [];
    private readonly HashSet<Task> openings = [];

    /// <summary>Looks something up and keeps it from being collected until the result is disposed.</summary>
    /// <param name="open">Finds what is to be read; the function adds to the pin it is given.</param>
    public async Task<ReadPin> OpenAsync(Func<ReadPin, Task> open)
    {
        // Who collects between the look-up and the registration would not know of it: so collectors wait for openings.
        TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ReadPin pin = new(this);
        lock (gate)
        {
            openings.Add(opened.Task);
        }
        try
        {
            await open(pin).ConfigureAwait(false);
            lock (gate)
            {
                pins.Add(pin);
            }
            return pin;
        }
        finally
        {
            lock (gate)
            {
                openings.Remove(opened.Task);
            }
            opened.SetResult();
        }
    }

    /// <summary>Everything that was looked up before this is called and is still being read.</summary>
    public async Task<(IReadOnlyList<DirectoryReference> Trees, IReadOnlyList<FileContent> Files)> ListAsync(CancellationToken cancellationToken)
    {
        Task[] waitFor;
        lock (gate)
        {
            waitFor = [.. openings];
        }
        await Task.WhenAll(waitFor).WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (gate)
        {
            return ([.. pins.SelectMany(pin => pin.Trees)], [.. pins.SelectMany(pin => pin.Files)]);
        }
    }

    internal void Remove(ReadPin pin)
    {
        lock (gate)
        {
            pins.Remove(pin);
        }
    }
}

/// <summary>Keeps what is being read from being collected.</summary>
internal sealed class ReadPin(ReadPins owner) : IDisposable
{
    public List<DirectoryReference> Trees { get; } = [];

    public List<FileContent> Files { get; } = [];

    public void Dispose() => owner.Remove(this);
}
