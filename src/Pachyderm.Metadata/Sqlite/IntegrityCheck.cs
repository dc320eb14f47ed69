using System.Diagnostics.CodeAnalysis;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>A check that all records of a kind pass.</summary>
/// <param name="Id">Identifier of its findings.</param>
/// <param name="Problem">What is wrong with each record that it finds.</param>
/// <param name="Remedy">What to do about it.</param>
/// <param name="Find">Yields, for each bad record, its name and a detail that may be null.</param>
/// <param name="Fix">Puts all of them right; null if a person has to.</param>
internal sealed record IntegrityCheck(
    string Id, string Problem, string Remedy, [StringSyntax("sql")] string Find, [StringSyntax("sql")] string? Fix = null)
{
    private const string RestoreRemedy = "restore the store from a backup";
    private const string FixRemedy = "nothing refers to it: run the check again and let it fix this";

    private const string OrphanWrites = "NOT EXISTS (SELECT 1 FROM pending_owners o WHERE o.number = w.owner)";

    private const string OrphanOwners = "NOT EXISTS (SELECT 1 FROM commits c WHERE c.repo = o.repo AND c.id = o.id)";

    private const string Miscounted =
        """
        (o.writes, o.bytes) IS NOT (SELECT count(*), coalesce(sum(length(payload)), 0) FROM pending_writes w WHERE w.owner = o.number)
        """;

    private const string OrphanCommitProvenance = "NOT EXISTS (SELECT 1 FROM commits c WHERE c.repo = p.repo AND c.id = p.id)";

    private const string OrphanRepoProvenance = "NOT EXISTS (SELECT 1 FROM repos r WHERE r.name = p.repo)";

    /// <summary>
    /// All checks of references, in the order in which they are made. A fix of an earlier one leaves nothing for a later one to find.
    /// </summary>
    public static IReadOnlyList<IntegrityCheck> All { get; } =
    [
        new("sequence-behind", "a number that was given out is above the last one recorded", RestoreRemedy,
            """
            SELECT 'sequences', 'revision' FROM sequences s WHERE revision < max(
              (SELECT coalesce(max(revision), 0) FROM repos), (SELECT coalesce(max(revision), 0) FROM commits),
              (SELECT coalesce(max(revision), 0) FROM branches))
            UNION ALL SELECT 'sequences', 'change' FROM sequences WHERE change < (SELECT coalesce(max(sequence), 0) FROM changes)
            UNION ALL SELECT 'sequences', 'pending_write' FROM sequences
              WHERE pending_write < (SELECT coalesce(max(sequence), 0) FROM pending_writes)
            """),
        new("commit-repo-missing", "its repo has no record", "create the repo again, or delete the commit",
            "SELECT c.repo || '/' || c.id, NULL FROM commits c WHERE NOT EXISTS (SELECT 1 FROM repos r WHERE r.name = c.repo)"),
        new("commit-parent-missing", "its parent does not exist", RestoreRemedy,
            """
            SELECT c.repo || '/' || c.id, c.parent FROM commits c
            WHERE c.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM commits p WHERE p.repo = c.repo AND p.id = c.parent)
            """),
        new("branch-head-missing", "its head does not exist", "set the branch to a commit that exists, or delete it",
            """
            SELECT b.repo || '@' || b.name, b.head FROM branches b
            WHERE NOT EXISTS (SELECT 1 FROM commits c WHERE c.repo = b.repo AND c.id = b.head)
            """),
        new("branch-repo-missing", "its repo has no record", "create the repo again, or delete the branch",
            "SELECT b.repo || '@' || b.name, NULL FROM branches b WHERE NOT EXISTS (SELECT 1 FROM repos r WHERE r.name = b.repo)"),
        new("provenance-orphan", "provenance is stored for a commit that does not exist", FixRemedy,
            $"""
            SELECT p.repo || '/' || p.id, p.provenance_repo || '/' || p.provenance_id FROM commit_provenance p
            WHERE {OrphanCommitProvenance}
            """,
            $"DELETE FROM commit_provenance AS p WHERE {OrphanCommitProvenance}"),
        new("provenance-orphan", "provenance is stored for a repo that does not exist", FixRemedy,
            $"SELECT p.repo, p.provenance FROM repo_provenance p WHERE {OrphanRepoProvenance}",
            $"DELETE FROM repo_provenance AS p WHERE {OrphanRepoProvenance}"),
        new("commit-provenance-missing", "a commit that it comes from does not exist", RestoreRemedy,
            """
            SELECT p.repo || '/' || p.id, p.provenance_repo || '/' || p.provenance_id FROM commit_provenance p
            WHERE EXISTS (SELECT 1 FROM commits c WHERE c.repo = p.repo AND c.id = p.id)
              AND NOT EXISTS (SELECT 1 FROM commits c WHERE c.repo = p.provenance_repo AND c.id = p.provenance_id)
            """),
        new("repo-provenance-missing", "a repo that it comes from does not exist", RestoreRemedy,
            """
            SELECT p.repo, p.provenance FROM repo_provenance p
            WHERE EXISTS (SELECT 1 FROM repos r WHERE r.name = p.repo) AND NOT EXISTS (SELECT 1 FROM repos r WHERE r.name = p.provenance)
            """),
        new("pending-orphan", "pending writes are stored for a commit that does not exist", FixRemedy,
            $"SELECT o.repo || '/' || o.id, o.writes || ' writes' FROM pending_owners o WHERE {OrphanOwners}",
            $"DELETE FROM pending_owners AS o WHERE {OrphanOwners}; DELETE FROM pending_writes AS w WHERE {OrphanWrites}"),
        new("pending-orphan", "pending writes are stored for no commit at all", FixRemedy,
            $"SELECT 'owner ' || w.owner, count(*) || ' writes' FROM pending_writes w WHERE {OrphanWrites} GROUP BY w.owner",
            $"DELETE FROM pending_writes AS w WHERE {OrphanWrites}"),
        new("pending-finished", "it is finished, and writes to it are still pending", "keep a backup of the store and report this",
            """
            SELECT o.repo || '/' || o.id, o.writes || ' writes' FROM pending_owners o
            JOIN commits c ON c.repo = o.repo AND c.id = o.id WHERE c.finished IS NOT NULL
            """),
        new("pending-miscounted", "its pending writes are counted wrongly", "run the check again and let it fix this",
            $"SELECT o.repo || '/' || o.id, o.writes || ' writes' FROM pending_owners o WHERE {Miscounted}",
            $"""
            UPDATE pending_owners AS o SET (writes, bytes) =
              (SELECT count(*), coalesce(sum(length(payload)), 0) FROM pending_writes w WHERE w.owner = o.number) WHERE {Miscounted};
            DELETE FROM pending_owners WHERE writes = 0
            """),
        new("tag-object-missing", "its object does not exist", "put the object again, or delete the tag",
            """
            SELECT 'tag ' || t.name, iif(typeof(t.object_hash) = 'blob', lower(hex(t.object_hash)), t.object_hash) FROM tags t
            WHERE NOT EXISTS (SELECT 1 FROM objects o WHERE o.hash = t.object_hash)
            """),
    ];

    /// <summary>The findings of this check.</summary>
    public IEnumerable<MetadataFinding> Run(Database database, int limit)
    {
        using Query query = database.Prepare(Find);
        List<MetadataFinding> findings = [];
        while (findings.Count < limit && query.Step())
        {
            string problem = query.OptionalText(1) is { } detail ? $"{Problem} ({detail})" : Problem;
            findings.Add(new MetadataFinding(Id, query.Text(0), problem, Remedy, Fixed: false));
        }

        return findings;
    }
}
