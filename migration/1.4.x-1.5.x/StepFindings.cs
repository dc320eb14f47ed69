using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>What the steps to 1.5 say about a store before they run.</summary>
internal static class StepFindings
{
    // Tags of pipelines with environment variables depend on the order in which a map was written.
    private const string EnvironmentRemedy =
        "name the storage root with --storage: the old results are then found again and nothing is recomputed";

    /// <summary>Adds the findings.</summary>
    public static void Add(ClusterInventory inventory, StepOptions options, FindingList findings)
    {
        foreach (PipelineFacts pipeline in inventory.Pipelines.Values)
        {
            string name = KeyText.Show(pipeline.Name.Span);
            PipelineInfo record = pipeline.Record;
            if (record.Input is null && record.Inputs.Count == 0)
            {
                findings.Add(new Finding(
                    "pipeline-without-input", FindingSeverity.Blocker, name, "it has no input, and 1.5 workers crash on that",
                    "delete the pipeline, or set the record aside by hand"));
            }

            if (!options.HasStorage && pipeline.Encoding == RecordEncoding.Text && record.Transform?.Env.Count > 0)
            {
                findings.Add(new Finding(
                    "environment-tags", FindingSeverity.Warning, name,
                    $"it has {record.Transform.Env.Count} environment variables, and 1.5 looks its old results up by another name",
                    EnvironmentRemedy));
            }

            if (record.ParallelismSpec is { StrategyOf14: not 0, Coefficient: 0 })
            {
                findings.Add(new Finding(
                    "no-coefficient", FindingSeverity.Warning, name,
                    "its strategy is COEFFICIENT without a coefficient, which 1.4 refused to run",
                    "1.5 will run one worker for each node; update the pipeline if that is not wanted"));
            }

            if (record.StoppedOf14 && record.State is not (PipelineState.PipelinePaused or PipelineState.PipelineFailure))
            {
                findings.Add(new Finding(
                    "stop-in-progress", FindingSeverity.Note, name, $"it was told to stop and its state is still {record.State}",
                    "it will be paused"));
            }
        }

        foreach ((ByteString commit, long count) in inventory.ScratchCommits)
        {
            int slash = commit.Span.IndexOf((byte)'/');
            ReadOnlySpan<byte> repo = commit.Span[..slash];
            ReadOnlySpan<byte> id = commit.Span[(slash + 1)..];
            ByteString open = ByteString.CopyFrom(id);
            if (inventory.OpenCommits.Any(candidate => candidate.Id.Equals(open)))
            {
                continue;
            }

            findings.Add(inventory.HasCommit(repo, id)
                ? new Finding("late-write", FindingSeverity.Warning, KeyText.Show(commit.Span), $"{count} writes came after the commit was finished and were never part of it", "they are removed from the store and stay in the backup")
                : new Finding(
                    "orphaned-write", FindingSeverity.Note, KeyText.Show(commit.Span),
                    $"{count} writes belong to a commit that does not exist", "they are kept as they are"));
        }
    }
}
