namespace Pachyderm.Pps.Specs;

/// <summary>What validation must know of repos and commits. It is asked inside a transaction, so it answers at once.</summary>
public interface IRepoCatalog
{
    /// <summary>The repos that a repo comes from, directly or not.</summary>
    /// <returns>Null if there is no such repo.</returns>
    IReadOnlyCollection<string>? FindProvenance(string repo);

    /// <summary>Whether a commit exists, open or finished.</summary>
    bool HasCommit(CommitRef commit);
}
