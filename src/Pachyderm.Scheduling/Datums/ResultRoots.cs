using System.Runtime.CompilerServices;
using Pachyderm.Metadata;
using Pachyderm.Pfs;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>The outputs of datums, which garbage collection keeps: they are what lets a datum be skipped.</summary>
/// <param name="metadata">The records.</param>
internal sealed class ResultRoots(IMetadataStore metadata)
{
    private const int PageLength = 500;

    public async IAsyncEnumerable<LiveRoot> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (DatumTag? after = null; ;)
        {
            DatumTag? start = after;
            IReadOnlyList<KeyValuePair<DatumTag, ResultRecord>> page = await metadata.ReadAsync(
                reader => new PpsReader(reader).ListResults(start, PageLength), cancellationToken);
            foreach ((DatumTag tag, ResultRecord result) in page)
            {
                yield return new LiveRoot($"result {tag}", DirectoryReferenceCodec.Decode(result.Output.Span), [], null);
            }
            if (page.Count < PageLength)
            {
                yield break;
            }
            after = page[^1].Key;
        }
    }
}
