using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Records writes to open commits, in transactions that check that the commit is still open.</summary>
internal sealed class CommitWrites(IMetadataStore metadata, CommitFolder folder)
{
    /// <summary>The commit that writes through this reference go to, or a refusal.</summary>
    public Task<CommitKey> FindOpenAsync(CommitReference commit, CancellationToken cancellationToken) =>
        metadata.ReadAsync(reader => Resolution.FindOpen(reader, commit).Key, cancellationToken);

    /// <summary>
    /// Appends writes to the commit, all or none, and returns when they are durable. What they refer to has to be durable before.
    /// </summary>
    /// <param name="commit">The commit.</param>
    /// <param name="payloads">The writes, encoded.</param>
    /// <param name="refuse">Makes the refusal in case that the commit has been finished.</param>
    /// <param name="cancellationToken">Ends the waiting before anything is recorded.</param>
    /// <exception cref="PfsException">The commit is not open any more.</exception>
    public async Task AppendAsync(
        CommitKey commit, IReadOnlyList<ReadOnlyMemory<byte>> payloads, Func<PfsException> refuse, CancellationToken cancellationToken)
    {
        await folder.PassAsync(commit, cancellationToken);
        (long count, long bytes) = await metadata.WriteAsync(
            writer =>
            {
                CommitRecord record = writer.FindCommit(commit)
                    ?? throw PfsErrors.WriteToMissingCommit(new RepoName(commit.Repo), commit.Id);
                if (!record.IsOpen)
                {
                    throw refuse();
                }
                foreach (ReadOnlyMemory<byte> payload in payloads)
                {
                    writer.AddPendingWrite(commit, payload);
                }
                return writer.CountPendingWrites(commit);
            },
            cancellationToken);
        PfsTelemetry.Writes.Add(payloads.Count);
        await folder.RelieveAsync(commit, count, bytes);
    }
}
