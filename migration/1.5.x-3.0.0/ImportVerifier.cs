using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Compares a data directory with the cluster that it was made of. What the source says is read again from the source, and what is stored
/// from the store; nothing is taken from the import.
/// </summary>
/// <param name="source">The source.</param>
/// <param name="stores">The data directory's stores.</param>
/// <param name="observer">Is told of each commit.</param>
internal sealed class ImportVerifier(SourceCluster source, DataStores stores, IMigrationObserver observer)
{
    private readonly TreeReader trees = new(stores.Chunks, new NodeCache());
    private readonly FileContents contents = new(stores.Chunks);
    private readonly HashSet<(ChunkId, long)> compared = [];
    private long files;
    private long bytes;

    /// <summary>Compares.</summary>
    /// <param name="verification">How much.</param>
    /// <returns>What there was before and after; equal, or it throws.</returns>
    /// <exception cref="OperatorException"><c>verification-failed</c>: something differs.</exception>
    public async Task<ImportSummary> RunAsync(ImportVerification verification, string data, string content, CancellationToken cancellationToken)
    {
        Dictionary<string, Tally> before = new(StringComparer.Ordinal);
        Dictionary<string, Tally> after = new(StringComparer.Ordinal);
        await foreach (SourceRecord<Old.RepoInfo> record in source.ReposAsync(cancellationToken))
        {
            await CompareAsync(record, cancellationToken);
            before[OldText.Of(record.Value.Repo.Name)] = new Tally();
        }
        long total = await CountFilesAsync(cancellationToken);
        Sampler? sampler = verification.Files is > 0 and { } wanted ? new Sampler(source.Inventory.Digest.ToString(), total, wanted) : null;
        HashSet<string> walked = new(StringComparer.Ordinal);
        await foreach (SourceRecord<Old.CommitInfo> record in source.CommitsAsync(cancellationToken))
        {
            CommitRecord expected = PfsMapping.Commit(record.Value);
            CommitRecord stored = await stores.Metadata.ReadAsync(reader => reader.FindCommit(expected.Key), cancellationToken)
                ?? throw Differs(expected.Key, "it is missing");
            CompareRecords(expected, stored);
            SourceRoot root = expected.IsOpen
                ? default
                : await stores.Metadata.ReadAsync(reader => ImportProgress.FindRoot(reader, expected.Key), cancellationToken) ?? default;
            DirectoryReference? tree = expected.IsOpen || stored.Tree is not { } bytesOfTree ? null : DirectoryReferenceCodec.Decode(bytesOfTree.Span);
            SourceRoot actual = tree is { } there ? new SourceRoot(there.Hash, there.Size, there.Files) : default;
            if (actual != root)
            {
                throw Differs(expected.Key, $"its tree is {actual} instead of {root}");
            }
            Add(before, expected.Key, root);
            Add(after, expected.Key, actual);
            if (tree is { } present && record.Value.Tree is { } old && (verification.IsFull ? walked.Add(old.Hash.ToStringUtf8()) : sampler?.Hits(present.Files) == true))
            {
                HashTree hashTree = await source.Content.ReadHashTreeAsync(old.Hash.ToStringUtf8(), cancellationToken);
                await CompareTreesAsync(expected.Key, hashTree, present, sampler, cancellationToken);
            }
            sampler?.Pass(actual.Files);
            observer.Advanced(1);
        }
        return new ImportSummary(
            data, content, verification.ToString(), files, bytes,
            before.OrderBy(static repo => repo.Key, StringComparer.Ordinal).ToDictionary(
                static repo => repo.Key,
                repo => new ImportedRepo(repo.Value.ToSummary(), after.GetValueOrDefault(repo.Key, new Tally()).ToSummary()),
                StringComparer.Ordinal));
    }

    private async Task CompareAsync(SourceRecord<Old.RepoInfo> record, CancellationToken cancellationToken)
    {
        RepoRecord expected = PfsMapping.Repo(record.Value);
        RepoRecord? stored = await stores.Metadata.ReadAsync(reader => reader.FindRepo(expected.Name), cancellationToken);
        if (stored is null
            || (stored.Created, stored.Description, stored.SizeBytes) != (expected.Created, expected.Description, expected.SizeBytes)
            || !stored.Provenance.AsSpan().SequenceEqual(expected.Provenance.AsSpan()))
        {
            throw Failed($"repo {expected.Name}", stored is null ? "it is missing" : "its record is not that of the source");
        }
    }

    private static void CompareRecords(CommitRecord expected, CommitRecord stored)
    {
        if ((stored.Parent, stored.Started, stored.Finished, stored.SizeBytes) != (expected.Parent, expected.Started, expected.Finished, expected.SizeBytes)
            || !stored.Provenance.AsSpan().SequenceEqual(expected.Provenance.AsSpan()))
        {
            throw Differs(expected.Key, "its record is not that of the source");
        }
    }

    private async Task<long> CountFilesAsync(CancellationToken cancellationToken)
    {
        long total = 0;
        await foreach (SourceRecord<Old.CommitInfo> record in source.CommitsAsync(cancellationToken))
        {
            CommitKey key = PfsMapping.Commit(record.Value).Key;
            total += (await stores.Metadata.ReadAsync(reader => ImportProgress.FindRoot(reader, key), cancellationToken))?.Files ?? 0;
        }
        return total;
    }

    /// <summary>Goes through both trees side by side.</summary>
    private async Task CompareTreesAsync(
        CommitKey commit, HashTree old, DirectoryReference tree, Sampler? sampler, CancellationToken cancellationToken)
    {
        if (sampler is null && old.Verify() is { } fault)
        {
            throw Differs(commit, $"in the source, {fault.Path}: {fault.Problem}");
        }
        using IEnumerator<HashTreeNode> nodes = old.Walk().GetEnumerator();
        await foreach (TreeEntry entry in trees.WalkAsync(TreeReader.RootEntry(tree), cancellationToken))
        {
            if (!nodes.MoveNext())
            {
                throw Differs(commit, $"{entry.Path} is not in the source");
            }
            HashTreeNode node = nodes.Current;
            if (!entry.Path.Bytes.SequenceEqual(node.PathBytes.Span) || entry.IsDirectory != node.IsDirectory || entry.Size != node.SizeBytes
                || entry.Hash != new ChunkId(node.Hash.Span))
            {
                throw Differs(commit, $"{entry.Path} is not what {node.Path} is in the source");
            }
            if (entry.File is { } file && (sampler is null ? compared.Add((file.Hash, file.Size)) : sampler.Take()))
            {
                await CompareContentAsync(commit, node, file, cancellationToken);
            }
        }
        if (nodes.MoveNext())
        {
            throw Differs(commit, $"{nodes.Current.Path} is missing");
        }
    }

    private async Task CompareContentAsync(CommitKey commit, HashTreeNode node, FileContent file, CancellationToken cancellationToken)
    {
        using IncrementalHash stored = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (ChunkBuffer piece in contents.ReadAsync(file, 0, null, cancellationToken))
        {
            using (piece)
            {
                stored.AppendData(piece.Memory.Span);
            }
        }
        using IncrementalHash original = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[128 << 10];
        foreach (string name in node.Objects)
        {
            using IncrementalHash named = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
            await using Stream content = await source.Content.OpenObjectAsync(name, cancellationToken)
                ?? throw Differs(commit, $"object {name} of {node.Path} is gone from the source");
            for (int read; (read = await content.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                original.AppendData(buffer.AsSpan(0, read));
                named.AppendData(buffer.AsSpan(0, read));
            }
            if (Convert.ToHexStringLower(named.GetHashAndReset()) != name)
            {
                throw Differs(commit, $"object {name} of {node.Path} is damaged in the source");
            }
        }
        if (!stored.GetHashAndReset().AsSpan().SequenceEqual(original.GetHashAndReset()))
        {
            throw Differs(commit, $"the content of {node.Path} is not that of the source");
        }
        files++;
        bytes += file.Size;
    }

    private static void Add(Dictionary<string, Tally> repos, CommitKey commit, SourceRoot root)
    {
        if (!repos.TryGetValue(commit.Repo, out Tally? tally))
        {
            repos.Add(commit.Repo, tally = new Tally());
        }
        tally.Add(commit, root);
    }

    private static OperatorException Differs(CommitKey commit, string problem) => Failed($"commit {commit.Repo}/{commit.Id}", problem);

    private static OperatorException Failed(string thing, string problem) => new(
        "verification-failed", thing, problem,
        "the source is untouched; drop what was made with `pachctl migrate undo --data DIR`, and tell what happened");

    /// <summary>Sums commits up.</summary>
    private sealed class Tally
    {
        private long commits;
        private long files;
        private long bytes;
        private MultisetDigest digest;

        public void Add(CommitKey commit, SourceRoot root)
        {
            byte[] value = new byte[ChunkId.Length + (2 * sizeof(long))];
            root.Hash.CopyTo(value);
            BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(ChunkId.Length), root.Size);
            BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(ChunkId.Length + sizeof(long)), root.Files);
            digest.Add(MultisetDigest.Of(Encoding.UTF8.GetBytes($"{commit.Repo}/{commit.Id}"), value));
            commits++;
            files += root.Files;
            bytes += root.Size;
        }

        public ImportedCommits ToSummary() => new(commits, files, bytes, digest.ToString());
    }

    /// <summary>
    /// Chooses files evenly among all of all commits, the same for the same source: so that a second run reads the same, and nobody can say
    /// beforehand which they are without having seen it all.
    /// </summary>
    private sealed class Sampler
    {
        private readonly Queue<long> chosen;
        private long position;
        private long next;

        public Sampler(string seed, long total, long wanted)
        {
            long number = Math.Min(total, wanted);
            // One of each of as many stretches of equal length.
            List<long> places = [];
            for (long i = 0; i < number; i++)
            {
                long from = (long)((Int128)total * i / number);
                long length = (long)((Int128)total * (i + 1) / number) - from;
                byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed} {i}"));
                places.Add(from + (long)(BinaryPrimitives.ReadUInt64BigEndian(hash) % (ulong)length));
            }
            chosen = new Queue<long>(places);
        }

        /// <summary>Whether a file is chosen among the next so many.</summary>
        public bool Hits(long count) => chosen.TryPeek(out long first) && first < position + count;

        /// <summary>Whether the next file of the commit is chosen.</summary>
        public bool Take()
        {
            bool taken = chosen.TryPeek(out long first) && first == next;
            if (taken)
            {
                chosen.Dequeue();
            }
            next++;
            return taken;
        }

        /// <summary>Goes on to the next commit.</summary>
        public void Pass(long count) => next = position += count;
    }
}
