using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Metadata;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// What was written into a data directory since it was imported. The feed tells of repos, commits, branches, pipelines and jobs. Of what has
/// no entry in it, writes to open commits, tags and descriptions, the import notes how far they had come; objects have a time.
/// </summary>
/// <param name="Names">What was written, each once, at most so many as are listed.</param>
/// <param name="Count">How much it is, in words.</param>
internal sealed record LaterWrites(IReadOnlyList<string> Names, string Count)
{
    private const int Limit = 1_000;

    private static ReadOnlySpan<byte> PendingKey => "later/pending-writes"u8;

    private static ReadOnlySpan<byte> TagsKey => "later/tags"u8;

    private static ReadOnlySpan<byte> TagsDigestKey => "later/tags-digest"u8;

    private static ReadOnlySpan<byte> DescriptionsDigestKey => "later/descriptions-digest"u8;

    /// <summary>Notes how far everything has come: the last act of the import.</summary>
    public static void Begin(IMetadataWriter writer)
    {
        Put(writer, PendingKey, writer.LastPendingWrite);
        (long tags, long digest) = ReadTags(writer);
        Put(writer, TagsKey, tags);
        Put(writer, TagsDigestKey, digest);
        Put(writer, DescriptionsDigestKey, DigestDescriptions(writer));
    }

    /// <summary>Finds what came later.</summary>
    public static Task<LaterWrites> FindAsync(IMetadataStore metadata, ImportJournal journal, CancellationToken cancellationToken) =>
        metadata.ReadAsync(
            reader =>
            {
                IReadOnlyList<Change> changes = ListChanges(reader, journal.LastChange);
                List<string> names = [.. changes.Select(Describe)];
                if (Find(reader, PendingKey) is { } pending && reader.LastPendingWrite > pending)
                {
                    names.Add($"{Times(reader.LastPendingWrite - pending, "write")} of files in open commits");
                }
                if (CountObjects(reader, journal.Updated) is > 0 and { } objects)
                {
                    names.Add($"{Times(objects, "object")} by the object API");
                }
                (long now, long digest) = ReadTags(reader);
                if (Find(reader, TagsKey) is { } tags && now != tags)
                {
                    names.Add($"tags of objects, which are {now} and were {tags}");
                }
                else if (Find(reader, TagsDigestKey) is { } before && before != digest)
                {
                    names.Add("tags of objects, which are as many as before but not the same");
                }
                // With repos that came or went there is nothing to compare, and they are told of already.
                if (Find(reader, DescriptionsDigestKey) is { } described && described != DigestDescriptions(reader)
                    && !changes.Any(static change => change.Kind is ChangeKind.RepoCreated or ChangeKind.RepoDeleted))
                {
                    names.Add("descriptions of repos");
                }
                names = [.. names.Distinct(StringComparer.Ordinal)];
                return new LaterWrites(
                    names,
                    changes.Count switch
                    {
                        0 => "files or objects were written",
                        1 => "a change was made",
                        Limit => $"{Limit} changes or more were made",
                        int count => $"{count} changes were made",
                    });
            },
            cancellationToken);

    private static string Times(long count, string thing) => count == 1 ? $"1 {thing}" : $"{count} {thing}s";

    private static string Describe(Change change) => change.Kind switch
    {
        ChangeKind.CommitStarted or ChangeKind.CommitFinished or ChangeKind.CommitDeleted => $"commit {change.Repo}/{change.Commit}",
        ChangeKind.BranchMoved or ChangeKind.BranchDeleted => $"branch {change.Repo}/{change.Branch}",
        ChangeKind.RepoCreated or ChangeKind.RepoDeleted => $"repo {change.Repo}",
        ChangeKind.PipelineChanged or ChangeKind.PipelineDeleted => $"pipeline {change.Repo}",
        _ => $"job {change.Commit} of {change.Repo}",
    };

    private static IReadOnlyList<Change> ListChanges(IMetadataReader reader, long after)
    {
        try
        {
            return reader.ListChanges(after, Limit);
        }
        catch (ChangesTrimmedException)
        {
            return reader.ListChanges(reader.LastChange - Limit, Limit);
        }
    }

    private static long CountObjects(IMetadataReader reader, DateTimeOffset since)
    {
        long count = 0;
        IReadOnlyList<ObjectRecord> page = reader.ListObjects(null, Limit);
        while (page.Count > 0)
        {
            count += page.Count(item => item.Created > since);
            page = reader.ListObjects(page[^1].Hash, Limit);
        }
        return count;
    }

    private static (long Count, long Digest) ReadTags(IMetadataReader reader)
    {
        long count = 0;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        IReadOnlyList<TagRecord> page = reader.ListTags("", null, Limit);
        while (page.Count > 0)
        {
            count += page.Count;
            foreach (TagRecord tag in page)
            {
                Append(hash, tag.Name, tag.ObjectHash);
            }
            page = reader.ListTags("", page[^1].Name, Limit);
        }
        return (count, Finish(hash));
    }

    private static long DigestDescriptions(IMetadataReader reader)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (RepoRecord repo in reader.ListRepos().OrderBy(static repo => repo.Name, StringComparer.Ordinal))
        {
            Append(hash, repo.Name, repo.Description);
        }
        return Finish(hash);
    }

    private static void Append(IncrementalHash hash, params ReadOnlySpan<string> texts)
    {
        foreach (string text in texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }

    private static long Finish(IncrementalHash hash) => BinaryPrimitives.ReadInt64BigEndian(hash.GetHashAndReset());

    // An import by a release before this had no such note, and nothing is told of what it would compare.
    private static long? Find(IMetadataReader reader, ReadOnlySpan<byte> key) =>
        reader.FindRow(ImportProgress.Cursors, key) is { } row ? BinaryPrimitives.ReadInt64BigEndian(row.Span) : null;

    private static void Put(IMetadataWriter writer, ReadOnlySpan<byte> key, long number)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(value, number);
        writer.PutRow(ImportProgress.Cursors, key, value);
    }
}
