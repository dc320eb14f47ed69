using System.Buffers;
using Pachyderm.Formats.Text;

namespace Pachyderm.Formats;

/// <summary>The building of keys.</summary>
public sealed partial class ClusterKeys
{
    /// <summary>Key of a repo.</summary>
    /// <param name="repo">Repo name.</param>
    public byte[] Repo(ReadOnlySpan<byte> repo) => Join(_pfs, Repos, repo);

    /// <summary>Index entry that leads from a repo to one that has it in its provenance.</summary>
    /// <param name="provenance">Name of the repo in the provenance.</param>
    /// <param name="repo">Name of the repo whose provenance it is.</param>
    public byte[] RepoProvenanceIndex(ReadOnlySpan<byte> provenance, ReadOnlySpan<byte> repo) =>
        Join(_pfs, ReposByProvenance, NameText(provenance), repo);

    /// <summary>Key of the number of repos that have a repo in their provenance.</summary>
    /// <param name="repo">Repo name.</param>
    public byte[] RepoRefCount(ReadOnlySpan<byte> repo) => Join(_pfs, RefCounts, repo);

    /// <summary>Key of a commit.</summary>
    /// <param name="repo">Repo name.</param>
    /// <param name="id">Commit id.</param>
    public byte[] Commit(ReadOnlySpan<byte> repo, ReadOnlySpan<byte> id) => Join(_pfs, Commits, repo, id);

    /// <summary>Index entry that leads from a commit to one that has it in its provenance.</summary>
    /// <param name="repo">Repo of the commit whose provenance it is.</param>
    /// <param name="id">Id of that commit.</param>
    /// <param name="provenanceRepo">Repo of the commit in the provenance.</param>
    /// <param name="provenanceId">Id of that commit.</param>
    public byte[] CommitProvenanceIndex(
        ReadOnlySpan<byte> repo, ReadOnlySpan<byte> id, ReadOnlySpan<byte> provenanceRepo, ReadOnlySpan<byte> provenanceId)
    {
        var value = new ArrayBufferWriter<byte>();
        value.Write("repo:<"u8);
        value.Write(NameText(provenanceRepo));
        value.Write("> "u8);
        if (!provenanceId.IsEmpty)
        {
            value.Write("id:"u8);
            TextPrinter.PrintQuoted(provenanceId, value);
            value.Write(" "u8);
        }

        return Join(_pfs, Commits, [.. repo, .. ByProvenance], value.WrittenSpan, id);
    }

    /// <summary>Key of a branch.</summary>
    /// <param name="repo">Repo name.</param>
    /// <param name="branch">Branch name; may contain slashes.</param>
    public byte[] Branch(ReadOnlySpan<byte> repo, ReadOnlySpan<byte> branch) => Join(_pfs, Branches, repo, branch);

    /// <summary>Key of 1.5's note that a commit is open.</summary>
    /// <param name="id">Commit id.</param>
    public byte[] OpenCommit(ReadOnlySpan<byte> id) => Join(_pfs, OpenCommits, id);

    /// <summary>Key of an access list.</summary>
    /// <param name="repo">Repo name.</param>
    public byte[] AuthAcl(ReadOnlySpan<byte> repo) => Join(_pfs, Acls, repo);

    /// <summary>Key of a token.</summary>
    /// <param name="hash">Lower-case hexadecimal SHA-256 of the token.</param>
    public byte[] AuthToken(ReadOnlySpan<byte> hash) => Join(_pfs, Tokens, hash);

    /// <summary>Key of an administrator.</summary>
    /// <param name="user">User name.</param>
    public byte[] AuthAdmin(ReadOnlySpan<byte> user) => Join(_pfs, Admins, user);

    /// <summary>Key of one entry of the scratch space.</summary>
    /// <param name="repo">Repo name.</param>
    /// <param name="commit">Id of the open commit.</param>
    /// <param name="path">Path of the file.</param>
    /// <param name="unique">The part that tells entries for one path apart.</param>
    public byte[] Scratch(ReadOnlySpan<byte> repo, ReadOnlySpan<byte> commit, ReadOnlySpan<byte> path, ReadOnlySpan<byte> unique) =>
        Join(_pfs, ScratchSpace, repo, commit, path, unique);

    /// <summary>Key of a pipeline.</summary>
    /// <param name="name">Pipeline name.</param>
    public byte[] Pipeline(ReadOnlySpan<byte> name) => Join(_pps, Pipelines, name);

    /// <summary>1.4's index entry of a pipeline by whether it is stopped.</summary>
    /// <param name="stopped">Whether the pipeline is stopped.</param>
    /// <param name="name">Pipeline name.</param>
    public byte[] PipelineStoppedIndex(bool stopped, ReadOnlySpan<byte> name) => Join(_pps, PipelinesByStopped, BoolText(stopped), name);

    /// <summary>Key of a job.</summary>
    /// <param name="id">Job id.</param>
    public byte[] Job(ReadOnlySpan<byte> id) => Join(_pps, Jobs, id);

    /// <summary>Index entry of a job by its pipeline.</summary>
    /// <param name="pipeline">Pipeline name; empty for a job without a pipeline.</param>
    /// <param name="id">Job id.</param>
    public byte[] JobPipelineIndex(ReadOnlySpan<byte> pipeline, ReadOnlySpan<byte> id) =>
        Join(_pps, JobsByPipeline, pipeline.IsEmpty ? "<nil>"u8 : NameText(pipeline), id);

    /// <summary>Index entry of a job by its input.</summary>
    /// <param name="inputText">
    /// Compact text of the job's Input message, as <see cref="ProtoTextFormatter"/> writes it; empty for none.
    /// </param>
    /// <param name="id">Job id.</param>
    public byte[] JobInputIndex(ReadOnlySpan<byte> inputText, ReadOnlySpan<byte> id) =>
        Join(_pps, JobsByInput, inputText.IsEmpty ? "<nil>"u8 : inputText, id);

    /// <summary>Index entry of a job of 1.4.5 or before by its inputs.</summary>
    /// <param name="inputTexts">Compact texts of the job's JobInput messages, in their order.</param>
    /// <param name="id">Job id.</param>
    public byte[] JobInputsIndex(IEnumerable<ReadOnlyMemory<byte>> inputTexts, ReadOnlySpan<byte> id)
    {
        ArgumentNullException.ThrowIfNull(inputTexts);
        var value = new ArrayBufferWriter<byte>();
        value.Write("["u8);
        foreach (var text in inputTexts)
        {
            if (value.WrittenCount > 1)
            {
                value.Write(" "u8);
            }

            value.Write(text.Span);
        }

        value.Write("]"u8);
        return Join(_pps, JobsByInputs, value.WrittenSpan, id);
    }

    /// <summary>1.4's index entry of a job by whether it is stopped.</summary>
    /// <param name="stopped">Whether the job is stopped.</param>
    /// <param name="id">Job id.</param>
    public byte[] JobStoppedIndex(bool stopped, ReadOnlySpan<byte> id) => Join(_pps, JobsByStopped, BoolText(stopped), id);

    private static ReadOnlySpan<byte> BoolText(bool value) => value ? "%!s(bool=true)"u8 : "%!s(bool=false)"u8;

    // The text form of a message whose only field is its name: Repo, Pipeline.
    private static byte[] NameText(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
        {
            return [];
        }

        var text = new ArrayBufferWriter<byte>(name.Length + 16);
        text.Write("name:"u8);
        TextPrinter.PrintQuoted(name, text);
        text.Write(" "u8);
        return text.WrittenSpan.ToArray();
    }

    private static byte[] Join(
        ReadOnlySpan<byte> prefix,
        ReadOnlySpan<byte> folder,
        ReadOnlySpan<byte> first,
        ReadOnlySpan<byte> second = default,
        ReadOnlySpan<byte> third = default,
        ReadOnlySpan<byte> fourth = default) =>
        GoPath.Clean([.. prefix, .. folder, .. first, (byte)'/', .. second, (byte)'/', .. third, (byte)'/', .. fourth]);
}
