using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling;

/// <summary>The commits that a pipeline has not considered yet, as a transaction sees them.</summary>
/// <param name="reader">The transaction.</param>
/// <param name="records">The records of this room in it.</param>
/// <param name="pipeline">The pipeline.</param>
internal readonly struct CommitBacklog(IMetadataReader reader, PpsReader records, PipelineName pipeline)
{
    /// <summary>
    /// The finished commits of some branches that have not arrived, as they would have arrived one by one: in the order in which they were
    /// finished, and each behind its parent whatever the clock said.
    /// </summary>
    /// <param name="branches">The branch of each repo.</param>
    public IReadOnlyList<CommitRecord> Collect(IReadOnlyDictionary<string, string> branches)
    {
        PriorityQueue<Queue<CommitRecord>, (DateTimeOffset, long)> chains = new();
        foreach ((string repo, string branch) in branches)
        {
            Enqueue(new Queue<CommitRecord>(Behind(repo, reader.FindBranch(repo, branch)?.Head)));
        }
        List<CommitRecord> merged = [];
        while (chains.TryDequeue(out Queue<CommitRecord>? chain, out _))
        {
            merged.Add(chain.Dequeue());
            Enqueue(chain);
        }
        return merged;

        void Enqueue(Queue<CommitRecord> chain)
        {
            if (chain.TryPeek(out CommitRecord? first))
            {
                chains.Enqueue(chain, (first.Finished!.Value, first.Revision));
            }
        }
    }

    /// <summary>A commit and its ancestors, back to the first that has arrived: those that are finished, oldest first.</summary>
    /// <param name="repo">The repo.</param>
    /// <param name="tip">Identifier of the commit; null, or that of a commit that is gone, for none.</param>
    public IReadOnlyList<CommitRecord> Behind(string repo, string? tip)
    {
        List<CommitRecord> chain = [];
        for (string? id = tip; id is not null && !records.HasArrived(pipeline, new CommitRef(repo, id));)
        {
            CommitRecord? commit = reader.FindCommit(new CommitKey(repo, id));
            if (commit is { IsOpen: false })
            {
                chain.Add(commit);
            }
            id = commit?.Parent;
        }
        chain.Reverse();
        return chain;
    }

    /// <summary>Leaves out what the spec says is not to be processed: the commits that its atoms begin from, and their ancestors.</summary>
    /// <param name="writer">The same transaction.</param>
    /// <param name="input">The input of the pipeline.</param>
    /// <exception cref="PpsException">Such a commit is missing.</exception>
    public void Exclude(PpsWriter writer, Input input)
    {
        foreach (AtomInput atom in input.Leaves().OfType<AtomInput>().Where(static atom => atom.FromCommit.Length > 0))
        {
            string from = reader.FindBranch(atom.Repo, atom.FromCommit)?.Head ?? atom.FromCommit;
            if (reader.FindCommit(new CommitKey(atom.Repo, from)) is null)
            {
                throw new PpsException(
                    PpsErrorKind.NotFound, $"from_commit {atom.FromCommit} of input {atom.Name} not found in repo {atom.Repo}");
            }
            for (string? id = from; id is not null && !records.HasArrived(pipeline, new CommitRef(atom.Repo, id));)
            {
                writer.PutArrived(pipeline, new CommitRef(atom.Repo, id));
                id = reader.FindCommit(new CommitKey(atom.Repo, id))?.Parent;
            }
        }
    }
}
