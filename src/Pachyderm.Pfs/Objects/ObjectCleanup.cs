using System.Globalization;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Deletes objects that no tag names and that nobody has touched for <see cref="Grace"/>, beside whoever puts and tags.</summary>
/// <remarks>
/// The grace is for clients that put objects first, and then make a commit of them or tag them. Commits need no objects: those that are built from
/// objects refer to their chunks.
/// </remarks>
internal sealed class ObjectCleanup(IMetadataStore metadata, TimeProvider time)
{
    /// <summary>How long an object without tags stays.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    private const int PageLength = 1_000;

    /// <summary>Deletes them.</summary>
    /// <returns>How many there were.</returns>
    public async Task<long> RunAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        HashSet<ulong> tagged = await FindTaggedAsync(cancellationToken);
        long deleted = 0;
        for (string? after = null; ;)
        {
            string? start = after;
            (List<string> candidates, after) = await metadata.ReadAsync(reader => Choose(reader, start, tagged, now), cancellationToken);
            if (candidates.Count > 0)
            {
                deleted += await metadata.WriteAsync(transaction => Delete(transaction, candidates, now), cancellationToken);
            }
            if (after is null)
            {
                return deleted;
            }
        }
    }

    // Those of a page that have no tag and no reason to stay, or no age yet; and the last of the page, if another one follows.
    private static (List<string> Candidates, string? Last) Choose(
        IMetadataReader reader, string? start, HashSet<ulong> tagged, DateTimeOffset now)
    {
        IReadOnlyList<ObjectRecord> page = reader.ListObjects(start, PageLength);
        List<string> candidates = [.. page
            .Select(static record => record.Hash)
            .Where(hash => !tagged.Contains(Shorten(hash)) && (ObjectAges.Find(reader, hash) ?? DateTimeOffset.MinValue) <= now - Grace)];
        return (candidates, page.Count < PageLength ? null : page[^1].Hash);
    }

    // Whoever tags or puts an object touches it in the same transaction, so an age that is still old means that there is no tag.
    private static int Delete(IMetadataWriter transaction, List<string> candidates, DateTimeOffset now)
    {
        int deleted = 0;
        foreach (string hash in candidates)
        {
            switch (ObjectAges.Find(transaction, hash))
            {
                case null when transaction.FindObject(hash) is not null:
                    ObjectAges.Touch(transaction, hash, now);
                    break;
                case { } used when used <= now - Grace:
                    transaction.DeleteObject(hash);
                    ObjectAges.Forget(transaction, hash);
                    deleted++;
                    break;
            }
        }
        return deleted;
    }

    // By 64 bits of their hashes: that two of a billion share them is unlikely, and would only keep one of them.
    private async Task<HashSet<ulong>> FindTaggedAsync(CancellationToken cancellationToken)
    {
        HashSet<ulong> tagged = [];
        for (string? after = null; ;)
        {
            string? start = after;
            IReadOnlyList<TagRecord> page = await metadata.ReadAsync(reader => reader.ListTags("", start, PageLength), cancellationToken);
            tagged.UnionWith(page.Select(static tag => Shorten(tag.ObjectHash)));
            if (page.Count < PageLength)
            {
                return tagged;
            }
            after = page[^1].Name;
        }
    }

    private static ulong Shorten(string hash) =>
        ulong.TryParse(hash.AsSpan(0, Math.Min(16, hash.Length)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong prefix)
            ? prefix
            : (uint)string.GetHashCode(hash, StringComparison.Ordinal);
}
