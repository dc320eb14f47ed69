using Pachyderm.Metadata;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;

namespace Pachyderm.Pps.Records;

/// <summary>The results in the metadata store, and those of older releases that its tags name.</summary>
/// <param name="store">The metadata store.</param>
public sealed class StoredResults(IMetadataStore store) : IDatumResults
{
    /// <inheritdoc/>
    public async ValueTask FindAsync(ReadOnlyMemory<DatumTag> tags, Memory<bool> known, CancellationToken cancellationToken) =>
        await store.ReadAsync(
            reader =>
            {
                new PpsReader(reader).FindResults(tags.Span, known.Span);
                for (int i = 0; i < tags.Length; i++)
                {
                    // A tag of the object API is how a migrated cluster keeps its results until a job takes them over.
                    known.Span[i] = known.Span[i] || reader.FindTag(tags.Span[i].ToString()) is not null;
                }
                return true;
            },
            cancellationToken);
}
