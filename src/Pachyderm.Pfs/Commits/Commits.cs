using System.Collections.Immutable;
using System.Diagnostics;
using Pachyderm.Metadata;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>The life of commits: started, finished, deleted (spec/pfs.md section 3).</summary>
public sealed class Commits
{
    private readonly IMetadataStore metadata;
    private readonly CommitFolder folder;
    private readonly TreeStore trees;
    private readonly TimeProvider time;

    internal Commits(IMetadataStore metadata, CommitFolder folder, TreeStore trees, TimeProvider time)
    {
        this.metadata = metadata;
        this.folder = folder;
        this.trees = trees;
        this.time = time;
    }

    /// <summary>Starts a commit, which has the content of its parent until it is written to.</summary>
    /// <exception cref="PfsException">The repo, the parent or a commit of the provenance is missing, or the parent is open.</exception>
    public Task<CommitName> StartAsync(CommitOrigin origin, CancellationToken cancellationToken) =>
        StartAsync(origin, CommitId.Create(), started: null, cancellationToken);

    /// <summary>Starts a commit that is to be a copy of another cluster's.</summary>
    /// <param name="origin">As for the other form.</param>
    /// <param name="id">The identifier that it has there.</param>
    /// <param name="started">When it was started there; null for now.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <exception cref="PfsException">As for the other form; or the identifier has not the form of one, or the repo has such a commit.</exception>
    public Task<CommitName> StartAsync(CommitOrigin origin, CommitId id, DateTimeOffset? started, CancellationToken cancellationToken)
    {
        CheckBranch(origin);
        if (!id.IsCanonical)
        {
            throw PfsErrors.InvalidIdentifier(id);
        }
        CommitName name = new(origin.Repo, id);
        DateTimeOffset now = started ?? time.GetUtcNow();
        return metadata.WriteAsync(
            writer =>
            {
                CommitRecord? parent = FindParent(writer, origin);
                if (writer.FindCommit(name.Key) is not null)
                {
                    throw PfsErrors.CommitExists(name);
                }
                Create(writer, origin, new CommitRecord(
                    name.Key, parent?.Key.Id, now, Finished: null, SizeBytes: 0, parent?.Tree, FindProvenance(writer, origin.Provenance)));
                return name;
            },
            cancellationToken);
    }

    /// <summary>Makes a finished commit whose content is given; its parent's content plays no part.</summary>
    /// <param name="origin">As for <see cref="StartAsync(CommitOrigin, CancellationToken)"/>.</param>
    /// <param name="tree">
    /// The content: a stored directory that something keeps from being collected until this returns; null for none.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <exception cref="PfsException">As for <see cref="StartAsync(CommitOrigin, CancellationToken)"/>.</exception>
    public async Task<CommitName> BuildAsync(CommitOrigin origin, DirectoryReference? tree, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        CommitName built = await metadata.WriteAsync(writer => Build(writer, origin, tree, now), cancellationToken);
        PfsTelemetry.CommitsFinished.Add(1);
        return built;
    }

    /// <summary>Finishes a commit: its writes become its content, which never changes again.</summary>
    /// <returns>Its name, as the reference resolved.</returns>
    /// <exception cref="PfsException">
    /// It is missing, finished already, or its writes conflict with each other; then it stays open.
    /// </exception>
    public Task<CommitName> FinishAsync(CommitReference commit, CancellationToken cancellationToken) =>
        FinishAsync(commit, finished: null, cancellationToken);

    /// <summary>Finishes a commit that is a copy of another cluster's.</summary>
    /// <param name="commit">As for the other form.</param>
    /// <param name="finished">When it was finished there; null for now.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <returns>Its name, as the reference resolved.</returns>
    /// <exception cref="PfsException">As for the other form.</exception>
    public async Task<CommitName> FinishAsync(CommitReference commit, DateTimeOffset? finished, CancellationToken cancellationToken)
    {
        long begin = time.GetTimestamp();
        CommitRecord found = await metadata.ReadAsync(reader => Resolution.Find(reader, commit), cancellationToken);
        CommitName name = CommitName.Of(found.Key);
        using Activity? activity = PfsTelemetry.Source.StartActivity("finish-commit");
        activity?.SetTag("commit", name.ToString());
        if (!found.IsOpen)
        {
            throw PfsErrors.FinishedTwice(name);
        }
        // Writes that come from now on wait for the outcome, so that folding comes to an end however many writers there are.
        using IDisposable gate = folder.HoldWrites(found.Key);
        using IDisposable exclusive = await folder.EnterAsync(found.Key, cancellationToken);
        while (true)
        {
            DirectoryReference? tree = await folder.FoldAsync(found.Key, cancellationToken);
            long growth = await MeasureGrowthAsync(found, tree, cancellationToken);
            DateTimeOffset now = finished ?? time.GetUtcNow();
            if (await metadata.WriteAsync(writer => TryFinish(writer, name, tree, growth, now), cancellationToken))
            {
                PfsTelemetry.CommitsFinished.Add(1);
                PfsTelemetry.FinishDuration.Record(time.GetElapsedTime(begin).TotalSeconds);
                return name;
            }
        }
    }

    /// <summary>The commit.</summary>
    /// <exception cref="PfsException">It is missing.</exception>
    public Task<CommitInfo> InspectAsync(CommitReference commit, CancellationToken cancellationToken) =>
        metadata.ReadAsync(reader => CommitInfo.Of(Resolution.Find(reader, commit)), cancellationToken);

    /// <summary>
    /// Deletes an open commit with what was written to it. Branches that point to it go back to its parent, or go if it has none.
    /// </summary>
    /// <exception cref="PfsException">It is missing or finished.</exception>
    public Task DeleteAsync(CommitReference commit, CancellationToken cancellationToken) => metadata.WriteAsync(
        writer =>
        {
            CommitRecord record = Resolution.Find(writer, commit);
            if (!record.IsOpen)
            {
                throw PfsErrors.DeleteFinished(CommitName.Of(record.Key));
            }
            foreach (BranchRecord branch in writer.ListBranches(record.Key.Repo))
            {
                if (!string.Equals(branch.Head, record.Key.Id, StringComparison.Ordinal))
                {
                    continue;
                }
                if (record.Parent is { } parent)
                {
                    Branches.Move(writer, commit.Repo, new BranchName(branch.Name), parent);
                }
                else
                {
                    Branches.Delete(writer, commit.Repo, new BranchName(branch.Name));
                }
            }
            writer.DeleteCommit(record.Key);
            writer.AddChange(new Change(0, ChangeKind.CommitDeleted, record.Key.Repo, record.Key.Id));
            return true;
        },
        cancellationToken);

    internal static CommitName Build(IMetadataWriter writer, CommitOrigin origin, DirectoryReference? tree, DateTimeOffset now)
    {
        CheckBranch(origin);
        CommitName name = new(origin.Repo, CommitId.Create());
        long size = tree?.Size ?? 0;
        ReadOnlyMemory<byte>? encoded = tree is { } directory ? DirectoryReferenceCodec.Encode(directory) : (ReadOnlyMemory<byte>?)null;
        CommitRecord? parent = FindParent(writer, origin);
        Create(writer, origin, new CommitRecord(
            name.Key, parent?.Key.Id, now, now, size, encoded, FindProvenance(writer, origin.Provenance)));
        writer.AddChange(new Change(0, ChangeKind.CommitFinished, origin.Repo.Value, name.Id.Value));
        Grow(writer, origin.Repo, size);
        return name;
    }

    private static void CheckBranch(CommitOrigin origin)
    {
        if (origin.Branch is { } branch)
        {
            Branches.Check(branch);
        }
    }

    private static CommitRecord? FindParent(IMetadataReader reader, CommitOrigin origin)
    {
        Repos.Find(reader, origin.Repo);
        CommitRecord? parent = null;
        if (!string.IsNullOrEmpty(origin.Parent))
        {
            parent = Resolution.Find(reader, new CommitReference(origin.Repo, origin.Parent));
        }
        else if (origin.Branch is { } branch && reader.FindBranch(origin.Repo.Value, branch.Value) is { } head)
        {
            parent = Resolution.Find(reader, new CommitReference(origin.Repo, head.Head));
        }
        return parent is { IsOpen: true } ? throw PfsErrors.ParentNotFinished(new CommitId(parent.Key.Id)) : parent;
    }

    private static ImmutableArray<CommitKey> FindProvenance(IMetadataReader reader, IReadOnlyList<CommitName> provenance)
    {
        CommitRecord[] direct =
        [
            .. provenance.Select(commit => reader.FindCommit(commit.Key) ?? throw PfsErrors.CommitNotFound(commit.Repo, commit.Id.Value)),
        ];
        return [.. direct.Select(commit => commit.Key).Concat(direct.SelectMany(commit => commit.Provenance)).Distinct()];
    }

    private static void Create(IMetadataWriter writer, CommitOrigin origin, CommitRecord commit)
    {
        writer.PutCommit(commit);
        writer.AddChange(new Change(0, ChangeKind.CommitStarted, origin.Repo.Value, commit.Key.Id));
        if (origin.Branch is { } branch)
        {
            Branches.Move(writer, origin.Repo, branch, commit.Key.Id);
        }
    }

    private static bool TryFinish(IMetadataWriter writer, CommitName name, DirectoryReference? tree, long growth, DateTimeOffset now)
    {
        CommitRecord record = writer.FindCommit(name.Key) ?? throw PfsErrors.CommitNotFound(name.Repo, name.Id.Value);
        if (!record.IsOpen)
        {
            throw PfsErrors.FinishedTwice(name);
        }
        // A write that had passed the gate before it was closed.
        if (writer.CountPendingWrites(name.Key).Count > 0)
        {
            return false;
        }
        writer.PutCommit(record with { Finished = now, SizeBytes = tree?.Size ?? 0 });
        writer.AddChange(new Change(0, ChangeKind.CommitFinished, name.Repo.Value, name.Id.Value));
        Grow(writer, name.Repo, growth);
        return true;
    }

    // The record is written even if it stays the same, because the repo that changed last is listed first.
    private static void Grow(IMetadataWriter writer, RepoName repo, long growth)
    {
        RepoRecord record = Repos.Find(writer, repo);
        writer.PutRepo(record with { SizeBytes = record.SizeBytes + growth });
    }

    /// <summary>The full size of every file that is new or changed against the parent (spec/pfs.md section 7).</summary>
    private async Task<long> MeasureGrowthAsync(CommitRecord commit, DirectoryReference? tree, CancellationToken cancellationToken)
    {
        CommitRecord? parent = commit.Parent is { } id
            ? await metadata.ReadAsync(reader => reader.FindCommit(commit.Key with { Id = id }), cancellationToken)
            : null;
        return await trees.SumChangedAsync(TreeStore.Decode(parent?.Tree), tree, cancellationToken);
    }
}
