using Pachyderm.Pps.Identity;

namespace Pachyderm.Pps.Jobs;

/// <summary>The results that are known: which datums have been processed before.</summary>
public interface IDatumResults
{
    /// <summary>Finds out which tags name a result. Callers give thousands at a time, sorted or not.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="known">Receives an answer for each tag, at its place.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    ValueTask FindAsync(ReadOnlyMemory<DatumTag> tags, Memory<bool> known, CancellationToken cancellationToken);
}
