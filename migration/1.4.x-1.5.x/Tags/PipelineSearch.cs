using System.Globalization;
using System.Text;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.Content;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>Searches the results of one pipeline's datums. Not safe for concurrent use.</summary>
internal sealed class PipelineSearch
{
    private const int MaxFilesShown = 8;

    private readonly string _pipeline;
    private readonly KnownTags _tags;
    private readonly LegacyContentStore _content;
    private readonly TagCandidates[] _targets;
    private readonly OldNames _oldNames;

    /// <summary>Prepares the names.</summary>
    /// <param name="record">The pipeline.</param>
    /// <param name="saltsExist">Whether the target release is 1.5.1 or later.</param>
    /// <param name="tags">The tags that exist.</param>
    /// <param name="content">The storage root.</param>
    public PipelineSearch(PipelineInfo record, bool saltsExist, KnownTags tags, LegacyContentStore content)
    {
        _pipeline = KeyText.Show(record.Pipeline.Name.Span);
        _tags = tags;
        _content = content;
        var transform = Formats.V1_4.Transform.Parser.ParseFrom(record.Transform.ToByteArray());
        var environment = transform.Env.ToArray();
        Array.Sort(environment, static (a, b) => a.Key.Span.SequenceCompareTo(b.Key.Span));
        transform.Env.Clear();
        transform.Env.AddRange(environment);

        // The migration gives a pipeline without a salt its id as salt.
        ByteString salt = record.Salt.IsEmpty ? record.Id : record.Salt;
        TaggedPipeline tagged = new(record.Pipeline.Name.Memory, record.Id.Memory, record.Version, salt.Memory, transform);
        TagCandidates named150 = new(TagRecipe.Since150, tagged);
        _targets = saltsExist ? [new TagCandidates(TagRecipe.Since151, tagged), named150] : [named150];
        _oldNames = new OldNames(tagged);
    }

    /// <summary>Searches the result of a datum.</summary>
    /// <param name="files">The datum's files in the order in which the target release hashes them.</param>
    /// <param name="storedFiles">Them in the order of the input as it was stored, if that differs.</param>
    /// <param name="job">The first job that has the datum.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>Null if the target release finds the result by itself, or never need look for it.</returns>
    public async ValueTask<TagProposal?> FindAsync(
        IReadOnlyList<DatumFile> files, IReadOnlyList<DatumFile>? storedFiles, PastJob job, CancellationToken cancellationToken)
    {
        string? wanted = null;
        foreach (TagCandidates target in _targets)
        {
            string tag = target.Of(files).First();
            (bool exists, string? damage) = await _tags.ProbeAsync(tag, cancellationToken);
            if (exists)
            {
                return null;
            }

            if (damage is not null)
            {
                return new TagProposal(
                    _pipeline, Describe(files), tag, null, $"a tag that the target release looks for is damaged: {damage}");
            }

            wanted ??= tag;
        }

        (string? hash, string? problem) = await FindOldAsync(files, cancellationToken);
        if (hash is null && storedFiles is not null)
        {
            (hash, string? otherProblem) = await FindOldAsync(storedFiles, cancellationToken);
            problem ??= otherProblem;
        }

        // Nothing is lost with a datum that no job has worked on.
        return hash is null && job.State is null
            ? null
            : new TagProposal(
                _pipeline,
                Describe(files),
                wanted!,
                hash,
                hash is null ? problem ?? Absent(job, storedFiles is null ? 1 : 2) : null,
                NeverSucceeded: hash is null && problem is null && job.State != JobState.JobSuccess);
    }

    private static string Describe(IReadOnlyList<DatumFile> files)
    {
        StringBuilder text = new();
        foreach (DatumFile file in files.Take(MaxFilesShown))
        {
            text.Append(text.Length > 0 ? ", " : "").Append(KeyText.Show(file.InputName.Span)).Append(':');
            text.Append(file.Path.IsEmpty ? "/" : KeyText.Show(file.Path.Span));
        }

        return files.Count <= MaxFilesShown
            ? text.ToString()
            : text.Append(CultureInfo.InvariantCulture, $" and {files.Count - MaxFilesShown} more").ToString();
    }

    private async ValueTask<(string? Hash, string? Problem)> FindOldAsync(
        IReadOnlyList<DatumFile> files, CancellationToken cancellationToken)
    {
        string? problem = null;
        foreach (OldName name in _oldNames.Of(files))
        {
            FoundTag found = await _tags.FindAsync(name.Tag, cancellationToken);
            problem ??= found.Problem;
            if (found.ObjectHash is not { } hash)
            {
                continue;
            }

            if (await _content.ObjectExistsAsync(hash, cancellationToken))
            {
                _oldNames.Prefer(name);
                return (hash, null);
            }

            problem ??= $"tag {name.Tag} names object {hash}, which is missing or damaged";
        }

        return (null, problem);
    }

    private string Absent(PastJob job, int fileOrders)
    {
        string names = string.Create(
            CultureInfo.InvariantCulture, $"no result under any of {_targets.Length + (_oldNames.Count * fileOrders)} names");
        return job.State == JobState.JobSuccess
            ? $"{names}, though its job succeeded{_oldNames.Limits}"
            : $"{names}: only jobs that {job.Fate} have this datum{_oldNames.Limits}";
    }
}
