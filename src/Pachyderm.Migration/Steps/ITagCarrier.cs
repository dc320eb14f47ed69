using Pachyderm.Formats.Content;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Steps;

/// <summary>
/// Finds the results of old datums under the names that old releases gave them, and the names under which the target release will
/// look for them. Reads both stores, writes neither.
/// </summary>
public interface ITagCarrier
{
    /// <summary>One proposal for each datum of the past jobs of present pipelines whose result the target release would not find.</summary>
    /// <param name="source">Image of the metadata before the migration.</param>
    /// <param name="content">The storage root.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    IAsyncEnumerable<TagProposal> ProposeAsync(EtcdSnapshotFile source, LegacyContentStore content, CancellationToken cancellationToken);
}

/// <summary>What becomes of the result of one datum.</summary>
/// <param name="Pipeline">Name of the pipeline.</param>
/// <param name="Datum">The datum, for people: input names and paths.</param>
/// <param name="Tag">The tag under which the target release looks for the result.</param>
/// <param name="ObjectHash">Object that the tag shall name; null if the result was not found.</param>
/// <param name="Reason">Why it was not found; null if it was.</param>
/// <param name="NeverSucceeded">Whether no job has ever finished it well: then there is no result to find.</param>
public sealed record TagProposal(
    string Pipeline, string Datum, string Tag, string? ObjectHash, string? Reason, bool NeverSucceeded = false);
