using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Reports;
using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Trees;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Compares a data directory with the cluster that it was made of, record by record and in the order of lists. What the source says is read
/// again from the source, and what is stored from the store; only what the roots of commits were is taken from the import, which has
/// compared
/// them with all that is below.
/// </summary>
/// <param name="source">The source.</param>
/// <param name="stores">The data directory's stores.</param>
/// <param name="isFresh">Whether nothing has been written since the import; else only what never changes is compared.</param>
/// <param name="observer">Is told of each record.</param>
internal sealed class ImportVerifier(SourceCluster source, DataStores stores, bool isFresh, IMigrationObserver observer)
{
    private const int Page = 1_000;

    private readonly TreeComparer trees = new(source.Content, stores.Chunks);
    private readonly Dictionary<string, CommitTally> before = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CommitTally> after = new(StringComparer.Ordinal);

    /// <summary>Compares.</summary>
    /// <param name="verification">How much content is read.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>What there was before and after.</returns>
    /// <exception cref="OperatorException"><c>verification-failed</c>: something differs.</exception>
    public async Task<VerifiedImport> RunAsync(ImportVerification verification, CancellationToken cancellationToken)
    {
        await CompareAsync(
            source.ReposAsync(cancellationToken),
            record =>
            {
                RepoRecord expected = PfsMapping.Repo(record.Value);
                before[expected.Name] = new CommitTally();
                return reader =>
                    Compare($"repo {expected.Name}", expected, reader.FindRepo(expected.Name), static repo => repo.Revision, Agree);
            },
            cancellationToken);
        await CompareCommitsAsync(verification, cancellationToken);
        if (isFresh)
        {
            await CompareOthersAsync(cancellationToken);
            await CountStoredAsync(cancellationToken);
        }
        Dictionary<string, ImportedRepo> repos = before.OrderBy(static repo => repo.Key, StringComparer.Ordinal).ToDictionary(
            static repo => repo.Key,
            repo => new ImportedRepo(repo.Value.ToSummary(), after.GetValueOrDefault(repo.Key, new CommitTally()).ToSummary()),
            StringComparer.Ordinal);
        KeyValuePair<string, ImportedRepo> wrong = repos.FirstOrDefault(repo => isFresh && repo.Value.Before != repo.Value.After);
        return wrong.Key is null
            ? new VerifiedImport(trees.Files, trees.Bytes, repos)
            : throw Failed($"repo {wrong.Key}", $"its commits are {wrong.Value.After} instead of {wrong.Value.Before}");
    }

    /// <summary>Says that a commit is not what it was.</summary>
    internal static OperatorException Differs(CommitKey commit, string problem) => Failed($"commit {commit.Repo}/{commit.Id}", problem);

    private static OperatorException Failed(string thing, string problem) => new(
        "verification-failed", thing, problem,
        "the source is untouched; drop what was made with `pachctl migrate undo --data DIR`, and tell what happened");

    private async Task CompareCommitsAsync(ImportVerification verification, CancellationToken cancellationToken)
    {
        FileSampler? sampler = verification.Files is > 0 and { } wanted
            ? new FileSampler(source.Inventory.Digest.ToString(), await CountFilesAsync(cancellationToken), wanted)
            : null;
        HashSet<string> walked = new(StringComparer.Ordinal);
        long revision = 0;
        await foreach (SourceRecord<Old.CommitInfo> record in source.CommitsAsync(cancellationToken))
        {
            CommitRecord expected = PfsMapping.Commit(record.Value);
            (CommitRecord? stored, SourceRoot? root) = await stores.Metadata.ReadAsync(
                reader => (reader.FindCommit(expected.Key), ImportProgress.FindRoot(reader, expected.Key)), cancellationToken);
            if (stored is null)
            {
                throw Differs(expected.Key, "it is missing");
            }
            if (isFresh || !expected.IsOpen)
            {
                revision = Compare(
                    $"commit {expected.Key.Repo}/{expected.Key.Id}", expected, stored, static commit => commit.Revision, Agree)(revision);
            }
            DirectoryReference? tree = expected.IsOpen ? null : TreeOf(stored);
            SourceRoot actual = RootOf(tree);
            if (!expected.IsOpen && actual != (root ?? default))
            {
                throw Differs(expected.Key, $"its tree is {actual} instead of {root ?? default}");
            }
            Tally(before, expected.Key, root ?? default);
            if (!isFresh)
            {
                Tally(after, expected.Key, expected.IsOpen ? default : actual);
            }
            if (tree is { } present && record.Value.Tree is { } old
                && (verification.IsFull ? walked.Add(old.Hash.ToStringUtf8()) : sampler?.Hits(present.Files) == true))
            {
                HashTree hashTree = await source.Content.ReadHashTreeAsync(old.Hash.ToStringUtf8(), cancellationToken);
                await trees.CompareAsync(expected.Key, hashTree, present, sampler, cancellationToken);
            }
            sampler?.Pass(actual.Files);
            observer.Advanced(1);
        }
    }

    private async Task CompareOthersAsync(CancellationToken cancellationToken)
    {
        await CompareAsync(
            source.BranchesAsync(cancellationToken),
            record =>
            {
                BranchRecord expected = RecordImport.BranchOf(source, record);
                return reader => Compare(
                    $"branch {expected.Repo}/{expected.Name}", expected, reader.FindBranch(expected.Repo, expected.Name),
                    static branch => branch.Revision, static (one, other) => one.Head == other.Head);
            },
            cancellationToken);
        await CompareAsync(
            source.JobsAsync(cancellationToken),
            record =>
            {
                Job expected = PpsMapping.Job(record.Value);
                return reader => Compare(
                    $"job {expected.Id}", new JobRecord(expected, 0, 0), new PpsReader(reader).FindJob(expected.Id),
                    static job => job.Revision, static (one, other) => one.Job == other.Job);
            },
            cancellationToken);
        await CompareAsync(
            source.PipelinesAsync(cancellationToken),
            record =>
            {
                Pipeline expected = PpsMapping.Pipeline(record.Value);
                return reader => Compare(
                    $"pipeline {expected.Name}", new PipelineRecord(expected, 0), new PpsReader(reader).FindPipeline(expected.Name),
                    static pipeline => pipeline.Revision, static (one, other) => one.Pipeline == other.Pipeline);
            },
            cancellationToken);
    }

    /// <summary>Compares records of a kind, and that each was written behind the one before: lists show them in that order.</summary>
    private async Task CompareAsync<T>(
        IAsyncEnumerable<SourceRecord<T>> records, Func<SourceRecord<T>, Func<IMetadataReader, Func<long, long>>> compare,
        CancellationToken cancellationToken)
    {
        long revision = 0;
        await foreach (SourceRecord<T> record in records)
        {
            Func<IMetadataReader, Func<long, long>> comparison = compare(record);
            revision = (await stores.Metadata.ReadAsync(comparison, cancellationToken))(revision);
            observer.Advanced(1);
        }
    }

    private Func<long, long> Compare<T>(string thing, T expected, T? stored, Func<T, long> revisionOf, Func<T, T, bool> agree)
        where T : class => before =>
        stored is null ? throw Failed(thing, "it is missing")
        : isFresh && !agree(expected, stored) ? throw Failed(thing, "its record is not that of the source")
        : isFresh && revisionOf(stored) <= before ? throw Failed(thing, "it is not listed where it was")
        : revisionOf(stored);

    private static bool Agree(RepoRecord one, RepoRecord other) =>
        (one.Created, one.Description, one.SizeBytes) == (other.Created, other.Description, other.SizeBytes)
        && one.Provenance.AsSpan().SequenceEqual(other.Provenance.AsSpan());

    private static bool Agree(CommitRecord one, CommitRecord other) =>
        (one.Parent, one.Started, one.Finished, one.SizeBytes) == (other.Parent, other.Started, other.Finished, other.SizeBytes)
        && one.Provenance.AsSpan().SequenceEqual(other.Provenance.AsSpan());

    /// <summary>Counts what is in the store, whoever put it there.</summary>
    private async Task CountStoredAsync(CancellationToken cancellationToken)
    {
        CommitKey? last = null;
        for (int read = Page; read == Page;)
        {
            CommitKey? behind = last;
            IReadOnlyList<CommitRecord> page = await stores.Metadata.ReadAsync(
                reader => reader.ListAllCommits(behind, Page), cancellationToken);
            foreach (CommitRecord commit in page)
            {
                Tally(after, commit.Key, commit.IsOpen ? default : RootOf(TreeOf(commit)));
            }
            read = page.Count;
            last = read > 0 ? page[^1].Key : last;
        }
        if (after.Keys.Except(before.Keys, StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw Failed($"repo {unknown}", "it has commits and is not in the source");
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

    private static DirectoryReference? TreeOf(CommitRecord commit) =>
        commit.Tree is { } tree ? DirectoryReferenceCodec.Decode(tree.Span) : null;

    private static SourceRoot RootOf(DirectoryReference? tree) =>
        tree is { } there ? new SourceRoot(there.Hash, there.Size, there.Files) : default;

    private static void Tally(Dictionary<string, CommitTally> repos, CommitKey commit, SourceRoot root)
    {
        if (!repos.TryGetValue(commit.Repo, out CommitTally? tally))
        {
            repos.Add(commit.Repo, tally = new CommitTally());
        }
        tally.Add(commit, root);
    }
}

/// <summary>What was compared.</summary>
/// <param name="Files">Number of files whose content was read and compared.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Repos">The repos before and after.</param>
internal sealed record VerifiedImport(long Files, long Bytes, IReadOnlyDictionary<string, ImportedRepo> Repos);
