using Pachyderm.Metadata;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>
/// The results that a job can use: those of this release, and those that only a tag of the object API names, as a cluster that came from
/// 1.4 or 1.5 has them. For one caller at a time.
/// </summary>
/// <param name="metadata">The records.</param>
internal sealed class KnownResults(IMetadataStore metadata) : IDatumResults
{
    private readonly HashSet<DatumTag> tagged = [];

    /// <summary>Those of the tags asked for so far that only a tag of the object API names.</summary>
    public IReadOnlySet<DatumTag> Tagged => tagged;

    /// <inheritdoc/>
    public async ValueTask FindAsync(ReadOnlyMemory<DatumTag> tags, Memory<bool> known, CancellationToken cancellationToken)
    {
        List<DatumTag> found = await metadata.ReadAsync(
            reader =>
            {
                new PpsReader(reader).FindResults(tags.Span, known.Span);
                List<DatumTag> others = [];
                if (reader.ListTags("", null, 1).Count == 0)
                {
                    // A cluster that never was another release's: nothing to look up, tag by tag.
                    return others;
                }
                for (int i = 0; i < tags.Length; i++)
                {
                    if (!known.Span[i] && reader.FindTag(tags.Span[i].ToString()) is not null)
                    {
                        known.Span[i] = true;
                        others.Add(tags.Span[i]);
                    }
                }
                return others;
            },
            cancellationToken);
        tagged.UnionWith(found);
    }
}
