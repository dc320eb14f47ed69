using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>From what a caller writes to a commit (spec/pfs.md section 2): a branch's head, or else the text taken as an identifier.</summary>
internal static class Resolution
{
    /// <summary>The commit, or a refusal.</summary>
    public static CommitRecord Find(IMetadataReader reader, CommitReference reference)
    {
        string id = Identify(reader, reference);
        return reader.FindCommit(new CommitKey(reference.Repo.Value, id)) ?? throw PfsErrors.CommitNotFound(reference.Repo, id);
    }

    /// <summary>
    /// The commit that a write goes to, or a refusal. Of an identifier that names nothing it is told, too, that it is not open, as in 1.5, where
    /// writes look at nothing else.
    /// </summary>
    public static CommitRecord FindOpen(IMetadataReader reader, CommitReference reference)
    {
        string id = Identify(reader, reference);
        CommitRecord commit = reader.FindCommit(new CommitKey(reference.Repo.Value, id))
            ?? throw (CommitId.IsIdentifier(reference.Text)
                ? PfsErrors.WriteToMissingCommit(reference.Repo, id)
                : PfsErrors.CommitNotFound(reference.Repo, id));
        return commit.IsOpen ? commit : throw PfsErrors.NotOpen(id);
    }

    private static string Identify(IMetadataReader reader, CommitReference reference)
    {
        if (string.IsNullOrEmpty(reference.Text))
        {
            throw PfsErrors.CommitNotFound(reference.Repo, "");
        }
        return reader.FindBranch(reference.Repo.Value, reference.Text)?.Head ?? reference.Text;
    }
}
