using System.Runtime.CompilerServices;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>The step from any 1.4 to any 1.5.</summary>
internal sealed class MigrationTo15 : IMigrationStep
{
    /// <inheritdoc/>
    public string Folder => "1.4.x-1.5.x";

    /// <inheritdoc/>
    public string Summary =>
        "records go from protobuf text to binary; stopped, strategy and inputs are folded in; indexes and reference counts are put right";

    /// <inheritdoc/>
    public void Examine(ClusterInventory inventory, StepOptions options, FindingList findings) =>
        StepFindings.Add(inventory, options, findings);

    /// <inheritdoc/>
    public IRecordConversion Prepare(ClusterInventory inventory, StepOptions options) => new RecordConverter(inventory, options);

    /// <inheritdoc/>
    public ITagCarrier PrepareTags(ClusterInventory inventory, StepOptions options) => new TagCarrier(inventory, options);

#pragma warning disable CA2255 // A step registers itself: a new folder below migration/ needs no change elsewhere.
    [ModuleInitializer]
    internal static void Register() => StepCatalog.Register(new MigrationTo15());
#pragma warning restore CA2255
}
