using System.Collections.Immutable;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Index;

/// <summary>A pack and what it holds.</summary>
/// <param name="Pack">The pack.</param>
/// <param name="Entries">What it holds.</param>
/// <param name="IsStored">Whether it is in the object store.</param>
internal readonly record struct PackContents(PackFile Pack, List<PackEntry> Entries, bool IsStored);

internal sealed partial class ChunkIndex
{
    /// <summary>Writes what is only in memory as a run.</summary>
    /// <exception cref="OperatorException">The directory cannot be written.</exception>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _work.WaitAsync(cancellationToken);
        try
        {
            await FlushTableAsync(cancellationToken);
        }
        finally
        {
            _work.Release();
        }
    }

    /// <summary>Makes one run of the whole index.</summary>
    /// <returns>That run, opened for the caller alone: it can be read until it is disposed, whatever becomes of the index.</returns>
    /// <exception cref="OperatorException">The directory cannot be written, or a run is damaged.</exception>
    public async Task<IndexRun?> CompactAsync(CancellationToken cancellationToken)
    {
        await _work.WaitAsync(cancellationToken);
        try
        {
            IndexRun? own = null;
            await FlushTableAsync(cancellationToken);
            await FlushTableAsync(cancellationToken);
            Guard(() =>
            {
                ImmutableArray<IndexRun> runs = _state.Runs;
                Merge(runs.Length, cancellationToken);
                own = _state.Runs.IsEmpty ? null : IndexRun.Open(_state.Runs[0].Path);
            });
            return own;
        }
        finally
        {
            _work.Release();
        }
    }

    /// <summary>Forgets packs, and returns when the index does not know them any more, whatever happens.</summary>
    /// <exception cref="OperatorException">The directory cannot be written.</exception>
    public async Task ForgetAsync(IReadOnlyCollection<PackFile> packs, CancellationToken cancellationToken)
    {
        await _work.WaitAsync(cancellationToken);
        try
        {
            lock (_gate)
            {
                HashSet<uint> numbers = [.. packs.Select(static pack => pack.Number)];
                foreach (PackFile pack in packs)
                {
                    _packs.Remove(pack);
                    _listed.Remove(pack.Number);
                }

                _stored.RemoveAll(pack => numbers.Contains(pack.Number));
                _storedBeforeFlush.RemoveAll(pack => numbers.Contains(pack.Number));
            }

            Guard(() => WriteManifest(_state.Runs));
        }
        finally
        {
            _work.Release();
        }
    }

    /// <summary>Counts the chunks that lie in each pack, each where a lookup finds it.</summary>
    /// <exception cref="CorruptionException"><c>index-damaged</c>.</exception>
    public async Task<Dictionary<uint, long>> CountByPackAsync(CancellationToken cancellationToken)
    {
        await _work.WaitAsync(cancellationToken);
        try
        {
            IndexState state = _state;
            List<IEnumerable<IndexEntry>> sources = [Sorted(state.Active)];
            if (state.Flushing is { } flushing)
            {
                sources.Add(Sorted(flushing));
            }

            sources.AddRange(state.Runs.Select(static run => run.ReadAll()));
            Dictionary<uint, long> counts = [];
            foreach (IndexEntry entry in RunMerge.Merge(sources, _packs))
            {
                counts[entry.Location.Pack] = counts.GetValueOrDefault(entry.Location.Pack) + 1;
            }

            return counts;
        }
        finally
        {
            _work.Release();
        }
    }

    /// <summary>Replaces all runs by ones made of the entries of packs.</summary>
    /// <param name="packs">Every pack with its entries. Enumerated while nothing moves from memory into runs.</param>
    /// <param name="cancellationToken">Ends the work; the index stays as it was.</param>
    /// <exception cref="OperatorException">The directory cannot be written.</exception>
    public async Task RebuildAsync(IAsyncEnumerable<PackContents> packs, CancellationToken cancellationToken)
    {
        await _work.WaitAsync(cancellationToken);
        List<IndexRun> runs = [];
        try
        {
            List<IndexedPack> listed = [];
            List<IndexEntry> batch = [];
            bool hasCopies = false;
            await foreach (PackContents contents in packs.WithCancellation(cancellationToken))
            {
                PackFile pack = contents.Pack;
                if (contents.IsStored)
                {
                    listed.Add(new IndexedPack(pack.Number, pack.Id, pack.Length, pack.Adoption));
                    hasCopies |= pack.Version == PackFormat.CopiedVersion;
                }

                batch.AddRange(contents.Entries.Select(entry =>
                    new IndexEntry(entry.Id, new ChunkLocation(pack.Number, entry.Offset, entry.Payload))));
                if (batch.Count >= _options.TableLimit)
                {
                    Guard(() => AddRun(runs, batch, cancellationToken));
                }
            }

            Guard(() =>
            {
                AddRun(runs, batch, cancellationToken);
                lock (_gate)
                {
                    _hasCopies |= hasCopies;
                    foreach (IndexedPack pack in listed)
                    {
                        _listed[pack.Number] = pack;
                    }
                }

                ImmutableArray<IndexRun> built = [.. runs];
                runs.Clear();
                Replace(_state.Runs, built);
                MergeAsNeeded(cancellationToken);
            });
        }
        finally
        {
            runs.ForEach(Discard);
            _work.Release();
        }
    }

    /// <summary>Stops the work in the background and closes the files.</summary>
    /// <param name="flush">Whether what is only in memory becomes a run first; if not, the next start reads more footers.</param>
    public async Task CloseAsync(bool flush)
    {
        await _stop.CancelAsync();
        await _worker;
        if (flush && !_options.ReadOnly)
        {
            try
            {
                await FlushAsync(CancellationToken.None);
            }
            catch (OperatorException exception)
            {
                // Nothing is lost: the next start reads the packs' footers instead.
                ReportOnce(exception);
            }
        }

        foreach (IndexRun run in _state.Runs)
        {
            run.Dispose();
        }

        _stop.Dispose();
        _work.Dispose();
        _wake.Dispose();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(CloseAsync(flush: true));

    private async Task WorkAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _wake.WaitAsync(_stop.Token);
                await _work.WaitAsync(_stop.Token);
                try
                {
                    await FlushTableAsync(_stop.Token);
                    Guard(() => MergeAsNeeded(_stop.Token));
                    _lastFailure = null;
                }
                finally
                {
                    _work.Release();
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (OperatorException exception)
            {
                ReportOnce(exception);
            }
        }
    }

    // A table that cannot be written stays in memory, and the next one that fills up tries again.
    private void ReportOnce(OperatorException exception)
    {
        if (_lastFailure != exception.Message)
        {
            _lastFailure = exception.Message;
            _options.Report(new StorageFinding(exception.Id, exception.Thing, exception.Problem, exception.Remedy, Fixed: false));
        }
    }

    private void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (CorruptionException)
        {
            _options.Damaged();
            throw;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, _files.Directory);
        }
    }

    private async Task FlushTableAsync(CancellationToken cancellationToken)
    {
        if (BeginFlush())
        {
            await _options.MakeDurable(cancellationToken);
            Guard(() => WriteTable(cancellationToken));
        }
    }

    private bool BeginFlush()
    {
        lock (_gate)
        {
            if (_state.Flushing is null)
            {
                if (_activeCount == 0 && _stored.Count == 0)
                {
                    return false;
                }

                Volatile.Write(ref _state, new IndexState(NewTable(), _state.Active, _state.Runs));
                _activeCount = 0;
                _storedBeforeFlush.AddRange(_stored);
                _stored = [];
            }

            return true;
        }
    }

    private void WriteTable(CancellationToken cancellationToken)
    {
        List<IndexEntry> entries = Sorted(_state.Flushing!);
        IndexRun? run = _files.WriteRun(entries, entries.Count, cancellationToken);
        ImmutableArray<IndexRun> runs = run is null ? _state.Runs : [run, .. _state.Runs];
        try
        {
            lock (_gate)
            {
                foreach (IndexedPack pack in _storedBeforeFlush)
                {
                    _listed[pack.Number] = pack;
                }
            }

            WriteManifest(runs);
        }
        catch (IOException)
        {
            Discard(run);
            throw;
        }

        lock (_gate)
        {
            _storedBeforeFlush = [];
            Volatile.Write(ref _state, new IndexState(_state.Active, Flushing: null, runs));
        }
    }

    private void MergeAsNeeded(CancellationToken cancellationToken)
    {
        for (int take = RunMerge.Choose(_state.Runs); take > 0; take = RunMerge.Choose(_state.Runs))
        {
            Merge(take, cancellationToken);
        }
    }

    private void Merge(int take, CancellationToken cancellationToken)
    {
        ImmutableArray<IndexRun> old = _state.Runs[..take];
        long capacity = old.Sum(static run => run.Count);
        IndexRun? merged = _files.WriteRun(RunMerge.Merge(old.Select(static run => run.ReadAll()), _packs), capacity, cancellationToken);
        try
        {
            Replace(old, merged is null ? [] : [merged]);
        }
        catch (IOException)
        {
            Discard(merged);
            throw;
        }
    }

    // The old runs are the newest ones of the state, or all.
    private void Replace(ImmutableArray<IndexRun> old, ImmutableArray<IndexRun> replacement)
    {
        ImmutableArray<IndexRun> runs = [.. replacement, .. _state.Runs[old.Length..]];
        WriteManifest(runs);
        lock (_gate)
        {
            Volatile.Write(ref _state, new IndexState(_state.Active, _state.Flushing, runs));
        }

        foreach (IndexRun run in old)
        {
            Discard(run);
        }
    }

    private static void Discard(IndexRun? run)
    {
        if (run is not null)
        {
            run.Dispose();
            File.Delete(run.Path);
        }
    }

    private void AddRun(List<IndexRun> runs, List<IndexEntry> batch, CancellationToken cancellationToken)
    {
        // A copy comes before the reference that it was made from.
        batch.Sort(static (a, b) => a.Id.CompareTo(b.Id) is var order and not 0 ? order : IsReference(a).CompareTo(IsReference(b)));
        IEnumerable<IndexEntry> entries = RunMerge.Merge([batch.DistinctBy(static entry => entry.Id)], _packs);
        if (_files.WriteRun(entries, batch.Count, cancellationToken) is { } run)
        {
            runs.Insert(0, run);
        }

        batch.Clear();
    }

    private static bool IsReference(IndexEntry entry) => entry.Location.Payload.Encoding == ChunkEncoding.Reference;

    private void WriteManifest(ImmutableArray<IndexRun> runs)
    {
        List<long> numbers = [.. runs.Select(static run => IndexFiles.NumberOf(run.Path))];
        IndexManifest manifest;
        lock (_gate)
        {
            manifest = new IndexManifest(_packs.LastNumber, numbers, [.. _listed.Values], _hasCopies);
        }

        manifest.Write(_files.Directory);
    }
}
