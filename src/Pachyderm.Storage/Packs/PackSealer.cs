using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

/// <summary>Gives full packs their footers and moves them from the spool into the object store; tries again until it succeeds.</summary>
internal sealed class PackSealer : IDisposable
{
    // Uploads at a time; a local store takes packs by renaming.
    private const int Lanes = 4;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly PackStoreOptions _options;
    private readonly PackReader _reader;
    private readonly ChunkIndex _index;
    private readonly Lock _gate = new();
    private readonly List<OpenPack> _queue = [];
    private readonly SemaphoreSlim _work = new(1, 1);
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _stop = new();
    private GroupCommit? _commit;
    private long _pendingBytes;
    private Task _worker = Task.CompletedTask;

    /// <summary>Creates a sealer, at rest until <see cref="Start"/>.</summary>
    public PackSealer(PackStoreOptions options, PackReader reader, ChunkIndex index)
    {
        _options = options;
        _reader = reader;
        _index = index;
    }

    /// <summary>Bytes of the packs that wait.</summary>
    public long PendingBytes => Volatile.Read(ref _pendingBytes);

    /// <summary>Takes over a pack.</summary>
    public void Add(OpenPack pack)
    {
        lock (_gate)
        {
            _queue.Add(pack);
            _pendingBytes += pack.Tail;
        }

        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    /// <summary>The packs that wait.</summary>
    public List<OpenPack> GetWaiting()
    {
        lock (_gate)
        {
            return [.. _queue];
        }
    }

    /// <summary>Begins the work in the background.</summary>
    /// <param name="commit">Makes packs durable.</param>
    public void Start(GroupCommit commit)
    {
        _commit = commit;
        _worker = Task.Run(WorkAsync, CancellationToken.None);
    }

    /// <summary>Returns when every pack that was added before is in the object store.</summary>
    /// <exception cref="OperatorException">The spool or the object store fails. The packs stay in the spool.</exception>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        await _work.WaitAsync(cancellationToken);
        try
        {
            List<OpenPack> packs;
            lock (_gate)
            {
                packs = [.. _queue];
            }

            await Parallel.ForEachAsync(
                packs, new ParallelOptions { MaxDegreeOfParallelism = Lanes, CancellationToken = cancellationToken },
                async (pack, token) => await SealAsync(pack, token));
        }
        finally
        {
            _work.Release();
        }
    }

    /// <summary>
    /// Stops the work in the background. Packs that wait stay in the spool, and open: what was written last to them may not be durable yet.
    /// </summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _worker;
    }

    /// <summary>Closes the packs that wait, after <see cref="StopAsync"/>. Nobody may make them durable any more.</summary>
    public void Dispose()
    {
        _stop.Dispose();
        _work.Dispose();
        _wake.Dispose();
        _queue.ForEach(static pack => pack.Handle.Dispose());
    }

    private async Task WorkAsync()
    {
        TimeSpan pause = FirstPause;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _wake.WaitAsync(_stop.Token);
                await DrainAsync(_stop.Token);
                pause = FirstPause;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (OperatorException exception)
            {
                _options.Report(new StorageFinding(
                    exception.Id, exception.Thing, exception.Problem,
                    exception.Remedy + "; packs wait in the spool meanwhile, nothing is lost", Fixed: false));
                if (!await PauseAsync(pause))
                {
                    return;
                }

                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                _wake.Release();
            }
        }
    }

    private async Task<bool> PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _options.Time, _stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task SealAsync(OpenPack open, CancellationToken cancellationToken)
    {
        await _commit!.WaitAsync(open.EndPosition, cancellationToken);
        if (!open.Failed)
        {
            try
            {
                WriteFooter(open);
                await MoveAsync(open, cancellationToken);
            }
            catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
            {
                throw StorageErrors.Translate(exception, open.Path);
            }

            _index.NoteStored(open.Pack);
        }

        lock (_gate)
        {
            _queue.Remove(open);
            _pendingBytes -= open.Tail;
        }
    }

    private void WriteFooter(OpenPack open)
    {
        if (open.SealedLength > 0)
        {
            return;
        }

        byte[] footer = PackFormat.WriteFooter(open.Pack.Id, open.Entries, open.Tail, open.Pack.Version);
        _options.Files.SetLength(open.Handle, open.Tail);
        _options.Files.Write(open.Handle, [footer], open.Tail);
        _options.Files.Flush(open.Handle);
        open.SealedLength = open.Tail + footer.Length;
    }

    private async Task MoveAsync(OpenPack open, CancellationToken cancellationToken)
    {
        PackFile pack = open.Pack;
        pack.Length = open.SealedLength;
        pack.EndPosition = open.EndPosition;
        _options.FaultPoint?.Invoke("pack-sealed");
        if (_options.Objects is ILocalFiles files && files.TryAdopt(pack.Id.Key, open.Path))
        {
            pack.SpoolPath = null;
            _reader.Adopt(pack);
            return;
        }

        FileStream content = new(open.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        await using (content)
        {
            await _options.Objects.PutAsync(pack.Id.Key, content, overwrite: true, cancellationToken);
        }

        _options.FaultPoint?.Invoke("pack-uploaded");
        pack.SpoolPath = null;
        _reader.Close(pack);
        File.Delete(open.Path);
    }
}
