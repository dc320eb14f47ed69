using Pachyderm.Formats;
using Pachyderm.Migration.Journal;

namespace Pachyderm.Migration.Survey;

/// <summary>Surveys a store with one worker for each processor.</summary>
internal static class SurveyRunner
{
    /// <summary>Reads every record once. O(records).</summary>
    public static async Task<ClusterInventory> RunAsync(
        IRecordSource source, ClusterKeys keys, string pfsPrefix, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        RecordClassifier classifier = new(keys);
        byte[] stampKey = new MigrationKeys(pfsPrefix).Stamp;
        IReadOnlyList<ClusterSurvey> parts = await source.VisitAsync(
            () => new ClusterSurvey(classifier, stampKey), (ClusterSurvey survey, in Pachyderm.RecordStores.StoredRecord record) => survey.Observe(record), progress, cancellationToken);
        ClusterSurvey whole = parts[0];
        foreach (ClusterSurvey part in parts.Skip(1))
        {
            whole.Merge(part);
        }

        return new ClusterInventory(whole, classifier);
    }
}
