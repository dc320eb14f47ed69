using System.IO.Hashing;
using System.Runtime.InteropServices;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Looks tags up. Most of the names that are tried do not exist, so a hash of each tag of the store is kept (some 20 bytes a tag) and the
/// store is asked only for those that do. Tags that are added after <see cref="ReadAsync"/> are not found.
/// </summary>
internal sealed class KnownTags
{
    private readonly LegacyContentStore _content;
    private readonly HashSet<ulong>? _hashes;

    private KnownTags(LegacyContentStore content, HashSet<ulong>? hashes)
    {
        _content = content;
        _hashes = hashes;
    }

    /// <summary>Lists the tags of a store.</summary>
    public static async Task<KnownTags> ReadAsync(LegacyContentStore content, CancellationToken cancellationToken)
    {
        HashSet<ulong> hashes = [];
        try
        {
            await foreach (ContentTag tag in content.ListTagsAsync("", cancellationToken))
            {
                hashes.Add(HashOf(tag.Name));
            }
        }
        catch (CorruptionException)
        {
            // One damaged tag ends the listing, but says nothing about the others: each is then asked for by its name.
            return new KnownTags(content, null);
        }

        return new KnownTags(content, hashes);
    }

    /// <summary>
    /// Whether a tag exists. Every tag that was listed was read then, so the store need not be asked again: two tags that share a
    /// 64-bit hash are the only error, and cost one datum's result.
    /// </summary>
    /// <returns>Whether it exists, and how it is damaged if it is.</returns>
    public async ValueTask<(bool Exists, string? Problem)> ProbeAsync(string tag, CancellationToken cancellationToken)
    {
        if (_hashes is not null)
        {
            return (_hashes.Contains(HashOf(tag)), null);
        }

        FoundTag found = await FindAsync(tag, cancellationToken);
        return (found.ObjectHash is not null, found.Problem);
    }

    /// <summary>Looks up a tag.</summary>
    public async ValueTask<FoundTag> FindAsync(string tag, CancellationToken cancellationToken)
    {
        if (_hashes is not null && !_hashes.Contains(HashOf(tag)))
        {
            return FoundTag.None;
        }

        try
        {
            return new FoundTag(await _content.ResolveTagAsync(tag, cancellationToken), null);
        }
        catch (CorruptionException exception)
        {
            return new FoundTag(null, $"{exception.Thing}: {exception.Problem}");
        }
    }

    private static ulong HashOf(string tag) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(tag.AsSpan()));
}

/// <summary>What a look-up found.</summary>
/// <param name="ObjectHash">The object that the tag names; null if it does not exist or is damaged.</param>
/// <param name="Problem">How it is damaged; null if it is not.</param>
internal readonly record struct FoundTag(string? ObjectHash, string? Problem)
{
    /// <summary>There is no such tag.</summary>
    public static FoundTag None => default;
}
