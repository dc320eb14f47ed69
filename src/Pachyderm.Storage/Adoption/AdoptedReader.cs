using System.Security.Cryptography;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Adoption;

/// <summary>Reads adopted chunks where they are, and checks every byte. Safe for concurrent use.</summary>
internal sealed class AdoptedReader : IAsyncDisposable
{
    /// <summary>Identifier of the failure that a source is not where it is configured to be.</summary>
    public const string SourceMissing = "adopted-source-missing";

    private const string Remedy = "restore the older store from a backup: nothing else holds these bytes";

    private readonly Dictionary<string, AdoptionSource> _sources = new(StringComparer.Ordinal);
    private readonly SliceDigests _digests;

    /// <summary>Creates a reader.</summary>
    /// <exception cref="ArgumentException">A source has a name that is none, or two have the same.</exception>
    public AdoptedReader(PackStoreOptions options)
    {
        foreach (AdoptionSource source in options.AdoptedFrom)
        {
            if (!AdoptionSource.IsName(source.Name) || !_sources.TryAdd(source.Name, source))
            {
                throw new ArgumentException($"'{source.Name}' cannot be the name of a source, or two have it.", nameof(options));
            }
        }

        _digests = new SliceDigests(options, this);
    }

    /// <summary>Finds a source by its name.</summary>
    public AdoptionSource? Find(string name) => _sources.GetValueOrDefault(name);

    /// <summary>Finds the source that a chunk needs.</summary>
    /// <exception cref="OperatorException"><c>adopted-source-unknown</c>.</exception>
    public AdoptionSource Get(string name) => Find(name) ?? throw Unknown(name);

    /// <summary>Says that it is not known where a source is.</summary>
    public static OperatorException Unknown(string name) => new(
        "adopted-source-unknown", $"adopted store '{name}'", "this store refers to bytes in it, and it is not known where it is",
        $"write its place to {AdoptionFile.FileName} in the data directory, and start again");

    /// <summary>Reads a chunk.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="reference">Where it is.</param>
    /// <param name="target">Takes its bytes; has their length.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="OperatorException">The source is not configured, or cannot be read.</exception>
    /// <exception cref="CorruptionException">What holds the bytes is gone or too short, or they are not those of the chunk.</exception>
    public async ValueTask ReadAsync(ChunkId id, AdoptedReference reference, Memory<byte> target, CancellationToken cancellationToken)
    {
        byte[]? digest = reference.Sha512 is null ? null : await _digests.GetAsync(reference, cancellationToken);
        await using Stream content = await OpenAsync(reference, reference.Start, target.Length, cancellationToken);
        int read = await ReadFullyAsync(content, reference, target, cancellationToken);
        if (read < target.Length)
        {
            throw TooShort(reference, reference.Start + read);
        }

        bool isIntact = digest is null
            ? AdoptedChunks.WholeId(SHA512.HashData(target.Span)) == id : SHA256.HashData(target.Span).AsSpan().SequenceEqual(digest);
        if (!isIntact)
        {
            throw Damaged(reference);
        }
    }

    /// <summary>What is stored before the bytes of a slice where they are copied to; null for a chunk that is a whole object.</summary>
    /// <exception cref="OperatorException">As <see cref="ReadAsync"/>.</exception>
    public async ValueTask<SliceSeal?> SealAsync(AdoptedReference reference, CancellationToken cancellationToken) =>
        reference.Sha512 is { } sha512
        ? new SliceSeal(sha512, reference.ObjectLength, reference.SliceOffset, await _digests.GetAsync(reference, cancellationToken))
        : null;

    /// <summary>Compares an object that is longer than a chunk with its name: reads all of it.</summary>
    /// <exception cref="CorruptionException">It is not what its name says.</exception>
    public Task VerifyAsync(AdoptedReference slice, CancellationToken cancellationToken) => _digests.VerifyAsync(slice, cancellationToken);

    /// <summary>Removes what was learnt of long objects, when there are none any more.</summary>
    /// <exception cref="OperatorException">The disk refuses.</exception>
    public void ForgetDigests() => _digests.Clear();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _digests.DisposeAsync();

    /// <summary>Reads until the target is full or nothing follows.</summary>
    /// <exception cref="OperatorException">The source cannot be read.</exception>
    internal async ValueTask<int> ReadFullyAsync(
        Stream content, AdoptedReference reference, Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            return await content.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellationToken);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, Name(reference));
        }
    }

    /// <summary>Says that bytes are not what they were.</summary>
    internal CorruptionException Damaged(AdoptedReference reference) => new(
        "adopted-object-damaged", Name(reference), string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"the {reference.ObjectLength} bytes at offset {reference.Offset} do not agree with the hash of their object"), Remedy);

    /// <summary>Says that an object ends before its bytes do.</summary>
    internal CorruptionException TooShort(AdoptedReference reference, long length) => new(
        "adopted-block-short", Name(reference), string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"it has {length} bytes and must have {reference.Offset + reference.ObjectLength}"), Remedy);

    /// <summary>
    /// Says that what held the bytes is gone: damage, unless everything beside it is gone, too. Then the source is elsewhere or not
    /// mounted, which is no damage.
    /// </summary>
    internal async Task<OperatorException> MissingAsync(AdoptedReference reference, CancellationToken cancellationToken)
    {
        AdoptionSource source = Get(reference.Source);
        return await IsThereAsync(source, reference.Key, cancellationToken)
            ? new CorruptionException("adopted-block-missing", Name(reference), "it is gone", Remedy)
            : Gone(source);
    }

    /// <summary>Says that a source is gone.</summary>
    internal static OperatorException Gone(AdoptionSource source) => new(
        SourceMissing, $"adopted store '{source.Name}' in {source.Objects.Location}", "it is not there, or it is empty",
        $"mount or restore it there, or stop pachd, write its place to {AdoptionFile.FileName} in the data directory, and start it again");

    /// <summary>Describes an object of a source.</summary>
    /// <exception cref="OperatorException">The source is not configured, cannot be read, or does not have the object.</exception>
    internal async Task<ObjectProperties> DescribeAsync(AdoptedReference reference, CancellationToken cancellationToken) =>
        await Get(reference.Source).Objects.GetPropertiesAsync(reference.Key, cancellationToken)
            ?? throw await MissingAsync(reference, cancellationToken);

    /// <summary>Opens a part of what holds an object.</summary>
    internal async Task<Stream> OpenAsync(AdoptedReference reference, long offset, long length, CancellationToken cancellationToken) =>
        await Get(reference.Source).Objects.OpenReadAsync(reference.Key, offset, length, cancellationToken)
            ?? throw await MissingAsync(reference, cancellationToken);

    private static async Task<bool> IsThereAsync(AdoptionSource source, string key, CancellationToken cancellationToken)
    {
        if (source.Objects is ILocalFiles files)
        {
            return Directory.Exists(Path.GetDirectoryName(files.GetPath(key)));
        }

        await foreach (ObjectProperties _ in source.Objects.ListAsync(key[..(key.LastIndexOf('/') + 1)], cancellationToken))
        {
            return true;
        }

        return false;
    }

    private string Name(AdoptedReference reference) => $"{reference.Key} in {Find(reference.Source)?.Objects.Location ?? reference.Source}";
}
