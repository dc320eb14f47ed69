using System.Buffers;
using Pachyderm.Errors;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Maintenance;

/// <summary>
/// Looks at what adopted packs refer to: whether it is there, long enough, and, if data is read, what it must be. Nothing of this can be
/// put right here; only the older store has these bytes.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="options">How thoroughly.</param>
internal sealed class AdoptedPackCheck(PackChunkStore store, StorageCheckOptions options)
{
    private readonly HashSet<string> _unknown = new(StringComparer.Ordinal);
    private readonly HashSet<string> _gone = new(StringComparer.Ordinal);
    private readonly HashSet<ChunkId> _sliced = [];

    /// <summary>Checks what one pack refers to.</summary>
    /// <param name="pack">The pack.</param>
    /// <param name="entries">Its intact records.</param>
    /// <param name="findings">Gets what is wrong.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    public async Task RunAsync(PackFile pack, List<PackEntry> entries, List<StorageFinding> findings, CancellationToken cancellationToken)
    {
        List<(PackEntry Entry, AdoptedReference Reference)> references =
            await store.Catalog.ReadReferencesAsync(pack, entries, cancellationToken);
        foreach (IGrouping<string, (PackEntry Entry, AdoptedReference Reference)> source in
            references.GroupBy(static item => item.Reference.Source, StringComparer.Ordinal))
        {
            if (store.Adopted.Find(source.Key) is { } configured)
            {
                await CheckSourceAsync(configured, [.. source], findings, cancellationToken);
            }
            else if (_unknown.Add(source.Key))
            {
                findings.Add(Describe(AdoptedReader.Unknown(source.Key)));
            }
        }
    }

    private static StorageFinding Describe(OperatorException exception) =>
        new(exception.Id, exception.Thing, exception.Problem, exception.Remedy, Fixed: false);

    private async Task CheckSourceAsync(
        AdoptionSource source, List<(PackEntry Entry, AdoptedReference Reference)> references, List<StorageFinding> findings,
        CancellationToken cancellationToken)
    {
        if (_gone.Contains(source.Name))
        {
            return;
        }

        foreach (IGrouping<string, (PackEntry Entry, AdoptedReference Reference)> block in
            references.GroupBy(static item => item.Reference.Key, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                AdoptedReference furthest = block.MaxBy(static item => item.Reference.Offset + item.Reference.ObjectLength).Reference;
                long size = (await store.Adopted.DescribeAsync(furthest, cancellationToken)).SizeBytes;
                if (size < furthest.Offset + furthest.ObjectLength && !options.ReadData)
                {
                    findings.Add(Describe(store.Adopted.TooShort(furthest, size)));
                }
            }
            catch (OperatorException exception)
            {
                findings.Add(Describe(exception));
                if (exception.Id == AdoptedReader.SourceMissing)
                {
                    // A directory that is not mounted is one thing to tell, not a million.
                    _gone.Add(source.Name);
                    return;
                }

                continue;
            }

            if (options.ReadData)
            {
                await ReadBlockAsync([.. block], findings, cancellationToken);
            }
        }
    }

    private async Task ReadBlockAsync(
        List<(PackEntry Entry, AdoptedReference Reference)> references, List<StorageFinding> findings, CancellationToken cancellationToken)
    {
        foreach ((PackEntry entry, AdoptedReference reference) in references)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(entry.Payload.RawLength);
            try
            {
                if (reference.Sha512 is null)
                {
                    await store.Adopted.ReadAsync(entry.Id, reference, buffer.AsMemory(0, entry.Payload.RawLength), cancellationToken);
                }
                else if (_sliced.Add(new ChunkId(reference.Sha512)))
                {
                    await store.Adopted.VerifyAsync(reference, cancellationToken);
                }
            }
            catch (OperatorException exception)
            {
                findings.Add(Describe(exception));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
