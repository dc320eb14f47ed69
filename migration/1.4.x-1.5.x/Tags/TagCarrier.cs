using Pachyderm.Formats.Content;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores.Snapshot;
namespace Pachyderm.Migration.Steps.V15;
internal sealed class TagCarrier(ClusterInventory inventory, StepOptions options) : ITagCarrier
{
    public async IAsyncEnumerable<TagProposal> ProposeAsync(EtcdSnapshotFile source, LegacyContentStore content, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken) { await Task.CompletedTask; _ = inventory; _ = options; yield break; }
}
