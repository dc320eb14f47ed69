using Google.Protobuf;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>A present pipeline and the jobs that it has run since it was created or last updated.</summary>
internal sealed class PastPipeline
{
    private readonly Dictionary<ByteString, InputShape> _shapes = [];

    /// <summary>Begins with no jobs.</summary>
    /// <param name="record">The pipeline's record, with a transform and an id.</param>
    public PastPipeline(PipelineInfo record)
    {
        Record = record;
        Input = record.Input ?? (record.Inputs.Count > 0 ? InputFolding.FoldPipeline(record.Inputs) : null);
    }

    /// <summary>The record.</summary>
    public PipelineInfo Record { get; }

    /// <summary>Its input, folded if need be; null if it has none.</summary>
    public Input? Input { get; }

    /// <summary>Its jobs, in the order in which they were written last, and the heads of its branches.</summary>
    public List<PastJob> Jobs { get; } = [];

    /// <summary>
    /// Whether a job was made by the pipeline as it is now, so that it gave its results the names that are looked for. 1.5.1 and
    /// later tell that by the salt, earlier releases by id and version.
    /// </summary>
    public bool Owns(JobInfo job)
    {
        if (!job.Salt.IsEmpty && !Record.Salt.IsEmpty)
        {
            return job.Salt.Equals(Record.Salt);
        }

        return job.PipelineVersion == Record.Version && (job.PipelineId.IsEmpty || job.PipelineId.Equals(Record.Id));
    }

    /// <summary>Adds a job of this pipeline.</summary>
    public void Add(JobInfo job, CommitTrees commits)
    {
        if ((job.Input ?? Fold(job)) is { } input)
        {
            Add(job.State, input, commits);
        }
    }

    /// <summary>Adds the heads of the branches, if all of them are there.</summary>
    /// <param name="heads">The commits at the heads by repo and branch.</param>
    /// <param name="commits">Numbers commits.</param>
    public void AddHeads(IReadOnlyDictionary<(ByteString Repo, ByteString Branch), ByteString> heads, CommitTrees commits)
    {
        if (Input is null)
        {
            return;
        }

        InputShape shape = InputShape.Of(Input, out _);
        int[] numbers = new int[shape.Leaves.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            InputLeaf leaf = shape.Leaves[i];
            if (!heads.TryGetValue((leaf.Repo, leaf.Branch), out ByteString? head))
            {
                return;
            }

            numbers[i] = commits.Number(leaf.Repo, head);
        }

        Jobs.Add(new PastJob(null, Share(shape), numbers));
    }

    private void Add(JobState state, Input input, CommitTrees commits)
    {
        InputShape shape = InputShape.Of(input, out IReadOnlyList<ByteString> ids);
        Jobs.Add(new PastJob(state, Share(shape), [.. shape.Leaves.Select((leaf, i) => commits.Number(leaf.Repo, ids[i]))]));
    }

    // Folding sorts. The releases that wrote such lists hashed the files in the order of the list, so it is kept here.
    private Input? Fold(JobInfo job)
    {
        if (job.Inputs.Count == 0)
        {
            return null;
        }

        Input stored = new();
        foreach (JobInput input in job.Inputs)
        {
            stored.Cross.AddRange(InputFolding.FoldJob([input], Input).Cross);
        }

        return stored;
    }

    private InputShape Share(InputShape shape)
    {
        if (_shapes.TryGetValue(shape.Key, out InputShape? known))
        {
            return known;
        }

        _shapes.Add(shape.Key, shape);
        return shape;
    }
}
