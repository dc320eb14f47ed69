using System.Runtime.CompilerServices;
using Google.Protobuf;
using Pachyderm.Errors;
using Pachyderm.Formats.V1_5;
using Pachyderm.ObjectStores;

namespace Pachyderm.Formats.Content;

/// <summary>
/// The layout of the cloud backends: <c>block/&lt;uuid&gt;</c> holds bytes, <c>object/&lt;sha512&gt;</c> is a <c>BlockRef</c> into a
/// block, <c>tag/&lt;tag&gt;</c> an <c>ObjectIndex</c> with that tag. Compaction moves objects and tags into <c>index/&lt;first two
/// characters&gt;</c>. Look-ups go to the index, then to the file, then to the index again in case a compaction came between.
/// </summary>
internal sealed class CloudContentStore(string rootPath) : LegacyContentStore(rootPath)
{
    private const int MaxReferenceBytes = 64 * 1024;

    private readonly LocalObjectStore _files = new(rootPath);
    private readonly ContentIndexCache _indexes = new();

    public override LayoutKind Layout => LayoutKind.Cloud;

    public override async Task<string?> ResolveTagAsync(string tag, CancellationToken cancellationToken)
    {
        CheckTag(tag);
        (ContentIndex index, bool fresh) = await GetIndexAsync(tag, cancellationToken);
        if (index.Tags.TryGetValue(tag, out string? hash))
        {
            return hash;
        }

        if (await ReadTagFileAsync(tag, cancellationToken) is { } found)
        {
            return found;
        }

        return fresh ? null : (await ReloadIndexAsync(tag, cancellationToken)).Tags.GetValueOrDefault(tag);
    }

    public override IAsyncEnumerable<ContentTag> ListTagsAsync(string prefix, CancellationToken cancellationToken) =>
        MergeAsync(
            ListTagFilesAsync(prefix, cancellationToken), ListIndexedTagsAsync(prefix, cancellationToken), tag => tag.Name,
            cancellationToken);

    public override IAsyncEnumerable<ContentPlace> ListPlacesAsync(CancellationToken cancellationToken) =>
        MergeAsync(
            ListObjectFilesAsync(cancellationToken), ListIndexedObjectsAsync(cancellationToken), item => item.Hash, cancellationToken);

    public override async Task<bool> RemoveTagAsync(string tag, CancellationToken cancellationToken)
    {
        CheckTag(tag);
        if (await _files.GetPropertiesAsync("tag/" + tag, cancellationToken) is null)
        {
            return false;
        }

        await _files.DeleteAsync("tag/" + tag, cancellationToken);
        return true;
    }

    private protected override async Task<ObjectPlace> LocateAsync(string hash, CancellationToken cancellationToken)
    {
        (ContentIndex index, bool fresh) = await GetIndexAsync(hash, cancellationToken);
        if (index.Objects.TryGetValue(hash, out BlockRange range))
        {
            return await LocateBlockAsync(range, cancellationToken);
        }

        byte[]? reference = await ReadSmallAsync("object/" + hash, cancellationToken);
        if (reference is not null)
        {
            return TryReadReference(reference, out range)
                ? await LocateBlockAsync(range, cancellationToken)
                : ObjectPlace.Broken("its file is no reference to a block");
        }

        return !fresh && (await ReloadIndexAsync(hash, cancellationToken)).Objects.TryGetValue(hash, out range)
            ? await LocateBlockAsync(range, cancellationToken)
            : ObjectPlace.None;
    }

    private protected override Task<Stream?> OpenAsync(ObjectPlace place, CancellationToken cancellationToken) =>
        _files.OpenReadAsync(place.Path, place.Offset, place.SizeBytes, cancellationToken);

    private protected override async Task<bool> WriteTagAsync(string tag, string hash, CancellationToken cancellationToken)
    {
        ObjectIndex index = new();
        index.Tags.Add(new ObjectIndex.Types.TagsEntry
        {
            Key = ByteString.CopyFromUtf8(tag),
            Value = new V1_5.Object { Hash = ByteString.CopyFromUtf8(hash) },
        });
        using MemoryStream content = new(index.ToByteArray());
        return await _files.PutAsync("tag/" + tag, content, overwrite: false, cancellationToken);
    }

    // A file object/<hash> only refers to a block: collected as garbage and put again, it has the same size and refers to another one.
    private protected override ContentFileKind Classify(string path) =>
        path.StartsWith("block/", StringComparison.Ordinal) ? ContentFileKind.Block : ContentFileKind.Other;

    private static bool TryReadReference(byte[] bytes, out BlockRange range)
    {
        try
        {
            range = BlockRange.From(BlockRef.Parser.ParseFrom(bytes));
            return range.IsValid;
        }
        catch (InvalidProtocolBufferException)
        {
            range = default;
            return false;
        }
    }

    private static async IAsyncEnumerable<T> MergeAsync<T>(
        IAsyncEnumerable<T> files,
        IAsyncEnumerable<T> indexed,
        Func<T, string> name,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using IAsyncEnumerator<T> left = files.GetAsyncEnumerator(cancellationToken);
        await using IAsyncEnumerator<T> right = indexed.GetAsyncEnumerator(cancellationToken);
        bool hasLeft = await left.MoveNextAsync();
        bool hasRight = await right.MoveNextAsync();
        while (hasLeft || hasRight)
        {
            int order = !hasLeft ? 1 : !hasRight ? -1 : Utf8Order.Instance.Compare(name(left.Current), name(right.Current));

            // What is in both comes from the index, as look-ups do.
            yield return order < 0 ? left.Current : right.Current;
            hasLeft = order <= 0 ? await left.MoveNextAsync() : hasLeft;
            hasRight = order >= 0 ? await right.MoveNextAsync() : hasRight;
        }
    }

    private async Task<ObjectPlace> LocateBlockAsync(BlockRange range, CancellationToken cancellationToken)
    {
        string key = "block/" + range.Block;
        if (await _files.GetPropertiesAsync(key, cancellationToken) is not { } block)
        {
            return ObjectPlace.Broken($"its block {range.Block} does not exist");
        }

        return range.Upper <= (ulong)block.SizeBytes
            ? new ObjectPlace(ObjectStatus.Sound, key, (long)range.Lower, (long)(range.Upper - range.Lower), null)
            : ObjectPlace.Broken($"its block {range.Block} has {block.SizeBytes} bytes and should have at least {range.Upper}");
    }

    private async Task<string?> ReadTagFileAsync(string tag, CancellationToken cancellationToken)
    {
        byte[]? bytes = await ReadSmallAsync("tag/" + tag, cancellationToken);
        if (bytes is null)
        {
            return null;
        }

        try
        {
            ByteString name = ByteString.CopyFromUtf8(tag);
            ObjectIndex index = ObjectIndex.Parser.ParseFrom(bytes);
            string? hash = index.Tags.LastOrDefault(entry => name.Equals(entry.Key ?? ByteString.Empty))?.Value?.Hash.ToStringUtf8();
            return IsObjectHash(hash) ? hash : throw TagDamaged(tag, "its file names no object");
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw TagDamaged(tag, "its file is no ObjectIndex", exception);
        }
    }

    private async IAsyncEnumerable<ContentTag> ListTagFilesAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (prefix.Contains('/', StringComparison.Ordinal))
        {
            yield break;
        }

        await foreach (ObjectProperties file in _files.ListAsync("tag/" + prefix, cancellationToken))
        {
            string tag = file.Key["tag/".Length..];
            if (await ReadTagFileAsync(tag, cancellationToken) is { } hash)
            {
                yield return new ContentTag(tag, hash);
            }
        }
    }

    private async IAsyncEnumerable<ContentTag> ListIndexedTagsAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ObjectProperties file in _files.ListAsync("index/", cancellationToken))
        {
            string shard = file.Key["index/".Length..];
            if (!shard.StartsWith(prefix, StringComparison.Ordinal) && !prefix.StartsWith(shard, StringComparison.Ordinal))
            {
                continue;
            }

            ContentIndex index = await LoadIndexAsync(shard, cancellationToken);
            foreach ((string tag, string hash) in index.Tags.Where(tag => tag.Key.StartsWith(prefix, StringComparison.Ordinal))
                .OrderBy(tag => tag.Key, Utf8Order.Instance))
            {
                yield return new ContentTag(tag, hash);
            }
        }
    }

    private async IAsyncEnumerable<ContentPlace> ListObjectFilesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ObjectProperties file in _files.ListAsync("object/", cancellationToken))
        {
            string hash = file.Key["object/".Length..];
            if (IsObjectHash(hash) && await ReadSmallAsync(file.Key, cancellationToken) is { } reference)
            {
                yield return TryReadReference(reference, out BlockRange range)
                    ? PlaceOf(hash, range)
                    : throw Damaged(hash, "its file is no reference to a block");
            }
        }
    }

    private async IAsyncEnumerable<ContentPlace> ListIndexedObjectsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ObjectProperties file in _files.ListAsync("index/", cancellationToken))
        {
            ContentIndex index = await LoadIndexAsync(file.Key["index/".Length..], cancellationToken);
            foreach ((string hash, BlockRange range) in index.Objects.OrderBy(item => item.Key, StringComparer.Ordinal))
            {
                yield return PlaceOf(hash, range);
            }
        }
    }

    private static ContentPlace PlaceOf(string hash, BlockRange range) =>
        new(hash, "block/" + range.Block, (long)range.Lower, (long)(range.Upper - range.Lower));

    // Names of one character have an index of one character.
    private static string ShardOf(string name) => name.Length <= 2 ? name : name[..2];

    private async Task<(ContentIndex Index, bool Fresh)> GetIndexAsync(string name, CancellationToken cancellationToken)
    {
        string shard = ShardOf(name);
        return _indexes.TryGet(shard, out ContentIndex? cached) ? (cached, false) : (await LoadIndexAsync(shard, cancellationToken), true);
    }

    private Task<ContentIndex> ReloadIndexAsync(string name, CancellationToken cancellationToken) =>
        LoadIndexAsync(ShardOf(name), cancellationToken);

    private async Task<ContentIndex> LoadIndexAsync(string shard, CancellationToken cancellationToken)
    {
        ContentIndex index = ContentIndex.Empty;
        if (await _files.GetPropertiesAsync("index/" + shard, cancellationToken) is { } file)
        {
            await using Stream? content = await _files.OpenReadAsync(file.Key, 0, null, cancellationToken);
            index = content is null ? ContentIndex.Empty : await ContentIndex.ReadAsync(content, file, cancellationToken);
        }

        _indexes.Set(shard, index);
        return index;
    }

    private async Task<byte[]?> ReadSmallAsync(string key, CancellationToken cancellationToken)
    {
        await using Stream? content = await _files.OpenReadAsync(key, 0, MaxReferenceBytes + 1, cancellationToken);
        if (content is null)
        {
            return null;
        }

        byte[] buffer = new byte[1024];
        int count = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (count < buffer.Length)
        {
            return buffer[..count];
        }

        using MemoryStream rest = new();
        await rest.WriteAsync(buffer, cancellationToken);
        await content.CopyToAsync(rest, cancellationToken);
        return rest.Length <= MaxReferenceBytes ? rest.ToArray() : throw new CorruptionException(
            "reference-damaged", $"{RootPath}/{key}", "it is too long for a reference", "restore it from a backup");
    }
}
