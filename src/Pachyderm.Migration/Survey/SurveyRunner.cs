using Pachyderm.Formats;
using Pachyderm.Migration.Journal;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Survey;

/// <summary>Surveys a store with one worker for each processor.</summary>
internal static class SurveyRunner
{
    /// <summary>Reads every record once; a second time if something refers to commits that do not exist. O(records).</summary>
    public static async Task<ClusterInventory> RunAsync(
        IRecordSource source, ClusterKeys keys, string pfsPrefix, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        RecordClassifier classifier = new(keys);
        byte[] stampKey = new MigrationKeys(pfsPrefix).Stamp;
        IReadOnlyList<ClusterSurvey> parts = await source.VisitAsync(
            () => new ClusterSurvey(classifier, stampKey),
            (ClusterSurvey survey, in StoredRecord record) => survey.Observe(record),
            progress,
            cancellationToken);
        ClusterSurvey whole = parts[0];
        foreach (ClusterSurvey part in parts.Skip(1))
        {
            whole.Merge(part);
        }

        ClusterInventory inventory = new(whole, classifier);
        if (inventory.DanglingCommits > 0)
        {
            foreach (DanglingReferences found in await source.VisitAsync(
                () => new DanglingReferences(inventory),
                (DanglingReferences state, in StoredRecord record) => state.Observe(record),
                progress: null,
                cancellationToken))
            {
                inventory.Findings.AddAll(found.Findings);
            }
        }

        return inventory;
    }
}
