using Pachyderm.Formats;

namespace Pachyderm.Migration.Survey;

/// <summary>The parts of a job record that matter to a survey, read in place from its wire form.</summary>
internal ref struct JobView
{
    /// <summary>State of the job.</summary>
    public ulong State { get; private set; }

    /// <summary>Whether it belongs to a pipeline.</summary>
    public bool HasPipeline { get; private set; }

    /// <summary>Name of its pipeline.</summary>
    public ReadOnlySpan<byte> Pipeline { get; private set; }

    /// <summary>Identifier of the pipeline's incarnation: until 1.5.0.</summary>
    public ReadOnlySpan<byte> PipelineId { get; private set; }

    /// <summary>Salt of the pipeline's incarnation: since 1.5.1.</summary>
    public ReadOnlySpan<byte> Salt { get; private set; }

    /// <summary>Repo of its output commit.</summary>
    public ReadOnlySpan<byte> OutputRepo { get; private set; }

    /// <summary>Identifier of its output commit; empty for none.</summary>
    public ReadOnlySpan<byte> OutputId { get; private set; }

    /// <summary>Whether it has a list of inputs: until 1.4.5.</summary>
    public bool HasInputs { get; private set; }

    /// <summary>Whether it has a tree of inputs.</summary>
    public bool HasInput { get; private set; }

    /// <summary>Its tree of inputs in wire form.</summary>
    public ReadOnlySpan<byte> Input { get; private set; }

    /// <summary>Whether it has stats.</summary>
    public bool HasStats { get; private set; }

    /// <summary>Whether it has the error text of 1.4.0 and 1.4.1.</summary>
    public bool HasError { get; private set; }

    /// <summary>Reads and checks a job by the rules of <see cref="RecordRules.Check(in RecordKey, Formats.V1_5.JobInfo)"/>.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="wire">Its wire form.</param>
    /// <param name="view">The parts.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(in RecordKey key, ReadOnlySpan<byte> wire, out JobView view)
    {
        view = default;
        bool isOfKey = false;
        bool timesHold = true;
        WireScanner scanner = new(wire);
        while (scanner.Next())
        {
            switch (scanner.Field)
            {
                case Formats.V1_5.JobInfo.JobFieldNumber:
                    isOfKey = CommitView.FirstField(scanner.Bytes).SequenceEqual(key.Id);
                    break;
                case Formats.V1_5.JobInfo.PipelineFieldNumber:
                    view.HasPipeline = true;
                    view.Pipeline = CommitView.FirstField(scanner.Bytes);
                    break;
                case Formats.V1_5.JobInfo.PipelineIdFieldNumber:
                    view.PipelineId = scanner.Bytes;
                    break;
                case Formats.V1_5.JobInfo.SaltFieldNumber:
                    view.Salt = scanner.Bytes;
                    break;
                case Formats.V1_5.JobInfo.OutputCommitFieldNumber:
                    view.OutputRepo = CommitView.RepoOf(scanner.Bytes);
                    view.OutputId = CommitView.IdOf(scanner.Bytes);
                    break;
                case Formats.V1_5.JobInfo.InputsFieldNumber:
                    view.HasInputs = true;
                    break;
                case Formats.V1_5.JobInfo.InputFieldNumber:
                    view.HasInput = true;
                    view.Input = scanner.Bytes;
                    break;
                case Formats.V1_5.JobInfo.StatsFieldNumber:
                    view.HasStats = true;
                    break;
                case Formats.V1_5.JobInfo.StateFieldNumber:
                    view.State = scanner.Varint;
                    break;
                case Formats.V1_5.JobInfo.StartedFieldNumber or Formats.V1_5.JobInfo.FinishedFieldNumber:
                    timesHold &= CommitView.IsTime(scanner.Bytes);
                    break;
                case Formats.V1_4.JobInfo.ErrorFieldNumber:
                    view.HasError = true;
                    break;
            }
        }

        if (scanner.IsMalformed)
        {
            return "it is not a message on the wire";
        }

        if (!isOfKey)
        {
            return "its id is not that of its key";
        }

        if (view.State > RecordRules.LastState)
        {
            return $"its state {(int)view.State} is not one";
        }

        return timesHold ? null : "its start or finish is not a time";
    }
}
