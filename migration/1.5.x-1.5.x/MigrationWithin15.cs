using System.Runtime.CompilerServices;
using Pachyderm.Migration.Steps.V15;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Steps.Within15;

/// <summary>The step from one 1.5 to a later one: the changes that the step from 1.4 makes, as far as they have not been made.</summary>
internal sealed class MigrationWithin15 : IMigrationStep
{
    /// <inheritdoc/>
    public string Folder => "1.5.x-1.5.x";

    /// <inheritdoc/>
    public string Summary =>
        "salts and stats are filled in where the target release needs them; what upstream's own migration left behind is put right";

    /// <inheritdoc/>
    public void Examine(ClusterInventory inventory, StepOptions options, FindingList findings) =>
        StepFindings.Add(inventory, options, findings);

    /// <inheritdoc/>
    public IRecordConversion Prepare(ClusterInventory inventory, StepOptions options) => new RecordConverter(inventory, options);

    /// <inheritdoc/>
    public ITagCarrier PrepareTags(ClusterInventory inventory, StepOptions options) => new TagCarrier(inventory, options);

#pragma warning disable CA2255 // A step registers itself: a new folder below migration/ needs no change elsewhere.
    [ModuleInitializer]
    internal static void Register() => StepCatalog.Register(new MigrationWithin15());
#pragma warning restore CA2255
}
