using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;

namespace Pachyderm.Storage.Packs;

public sealed partial class PackChunkStore
{
    /// <summary>
    /// Makes objects of an older release chunks of this store, named by <see cref="AdoptedChunks"/>. Their bytes stay where they are and
    /// are not read: what is wrong with them is told by whoever reads them first. Durable on return. What is adopted already is passed
    /// over, so that a second call goes on where the first was stopped. Memory is that of one adopted pack, whatever the number of objects.
    /// </summary>
    /// <param name="source">The name of a source in <see cref="PackStoreOptions.AdoptedFrom"/> that is not released.</param>
    /// <param name="objects">The objects, in any order; each may occur more than once.</param>
    /// <param name="cancellationToken">Ends the work; what was stored until then stays.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="OperatorException">
    /// <c>adopted-source-unknown</c>, <c>adopted-source-released</c>, <c>adopted-object-refused</c> (an object whose name, key or range
    /// cannot be one), or the object store fails.
    /// </exception>
    public async Task<AdoptionResult> AdoptAsync(
        string source, IAsyncEnumerable<AdoptedObject> objects, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(objects);
        if (_options.ReadOnly)
        {
            throw new InvalidOperationException("The store is open for reading only.");
        }

        if (_adopted.Get(source).Released)
        {
            throw new OperatorException(
                "adopted-source-released", $"adopted store '{source}'", "it was released, so nothing more can be adopted from it",
                "copy what is needed of it instead");
        }

        AdoptedPackWriter writer = new(source, _options.AdoptedPackChunks);
        AdoptionResult result = default;
        await foreach (AdoptedObject item in objects.WithCancellation(cancellationToken))
        {
            byte[] sha512 = Check(item);
            result = result with { Objects = result.Objects + 1, Bytes = result.Bytes + item.Length };
            long sliceOffset = 0;
            foreach (ChunkReference chunk in AdoptedChunks.List(sha512, item.Length))
            {
                if (!writer.Has(chunk.Id) && !IsInPlace(chunk.Id))
                {
                    bool whole = AdoptedChunks.IsWhole(item.Length);
                    writer.Add(chunk, new AdoptedReference(
                        source, item.Key, item.Offset, item.Length, sliceOffset, whole ? null : sha512));
                    if (writer.IsFull)
                    {
                        result = Count(result, await StoreAdoptedAsync(writer, cancellationToken));
                    }
                }

                sliceOffset += chunk.Length;
            }
        }

        return writer.Count > 0 ? Count(result, await StoreAdoptedAsync(writer, cancellationToken)) : result;
    }

    /// <summary>Whether a chunk is an object of an older release, or a slice of one: still there, or copied from there.</summary>
    public bool IsAdopted(ChunkId id) => TryFind(id, out ChunkLocation location, out _) && location.Payload.Hash != ChunkHash.Sha256;

    // A copy does not count: only of what is in an adopted pack it is certain that it stays until somebody refers to it.
    private bool IsInPlace(ChunkId id) => TryFind(id, out ChunkLocation location, out PackFile? pack)
        && location.Payload.Encoding == ChunkEncoding.Reference && !pack.Condemned
        && _adopted.Find(pack.Adoption?.Source ?? "") is { Released: false };

    /// <summary>Stores the pack that a writer has put together.</summary>
    /// <remarks>
    /// It is in the object store before anything knows of it: a kill in between leaves one that the next start finds and indexes.
    /// </remarks>
    /// <returns>How many chunks it holds.</returns>
    internal async Task<int> StoreAdoptedAsync(AdoptedPackWriter writer, CancellationToken cancellationToken)
    {
        (ReadOnlyMemory<byte> bytes, List<PackEntry> entries, PackAdoption adoption) = writer.Complete();
        await MakeRoomAsync(cancellationToken);
        _options.FaultPoint?.Invoke("adopted-pack-complete");
        MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment);
        using (MemoryStream content = new(segment.Array!, segment.Offset, segment.Count, writable: false))
        {
            await _options.Objects.PutAsync(writer.Id.Key, content, overwrite: false, cancellationToken);
        }

        _options.FaultPoint?.Invoke("adopted-pack-stored");
        lock (_adoptionGate)
        {
            PackFile pack = _packs.Add(writer.Id, PackFile.Past);
            pack.Version = PackFormat.AdoptedVersion;
            pack.Adoption = adoption;
            pack.Length = bytes.Length;
            _index.AddPack(pack, entries);
            _index.NoteStored(pack);
        }

        _options.FaultPoint?.Invoke("adopted-pack-indexed");
        return entries.Count;
    }

    private static AdoptionResult Count(AdoptionResult result, int chunks) =>
        result with { NewChunks = result.NewChunks + chunks, Packs = result.Packs + 1 };

    private static byte[] Check(AdoptedObject item)
    {
        byte[] sha512 = new byte[SHA512.HashSizeInBytes];
        string? problem = !AdoptedChunks.TryParseHash(item.Hash, sha512) ? "its name is no SHA-512 in lower-case digits"
            : item.Key is null || !ObjectKey.IsValid(item.Key) ? "what holds it is no key of an object store"
            : item.Offset < 0 || item.Length < 0 || item.Offset > long.MaxValue - item.Length ? "its range is none"
            : item.Length > AdoptedChunks.MaximumObjectLength ? "it is longer than 16 TiB"
            : null;
        return problem is null ? sha512 : throw new OperatorException(
            "adopted-object-refused", string.Create(
                CultureInfo.InvariantCulture,
                $"object {item.Hash}, {item.Length} bytes at {item.Offset} of {item.Key}"),
            problem, "see whether the older store is damaged, and leave the object out");
    }
}
