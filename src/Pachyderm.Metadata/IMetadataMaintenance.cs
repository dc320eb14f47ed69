using Pachyderm.Errors;

namespace Pachyderm.Metadata;

/// <summary>What an operator does with a metadata store while it serves.</summary>
public interface IMetadataMaintenance
{
    /// <summary>
    /// Checks that stored bytes are whole and that records refer to records that exist. Reads one consistent view and looks at every
    /// record.
    /// </summary>
    /// <param name="fix">
    /// Puts right what can be put right without losing anything: remains that belong to no record, and wrong counters.
    /// </param>
    /// <param name="cancellationToken">Ends it between two checks.</param>
    /// <returns>What was found, at most 1,000 of each kind; nothing if all is well.</returns>
    Task<IReadOnlyList<MetadataFinding>> IntegrityCheckAsync(bool fix, CancellationToken cancellationToken);

    /// <summary>Writes a consistent copy of the store, as of one moment, which opens as a store itself. Writers go on meanwhile.</summary>
    /// <param name="path">The file to write. It appears under this name when it is whole and durable.</param>
    /// <param name="cancellationToken">Ends it before it has begun.</param>
    /// <exception cref="OperatorException"><c>backup-exists</c>: there is a file. <c>storage-…</c>: it cannot be written.</exception>
    Task BackupToAsync(string path, CancellationToken cancellationToken);
}
