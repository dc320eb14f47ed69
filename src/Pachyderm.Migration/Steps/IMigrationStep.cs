using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Steps;

/// <summary>
/// A registered step: it carries record stores of one range of releases to another. Each step lives in a folder of its own below
/// <c>migration/</c>, with a README, its code and golden data, and registers itself with <see cref="StepCatalog"/>.
/// </summary>
public interface IMigrationStep
{
    /// <summary>Name of the folder below <c>migration/</c>.</summary>
    string Folder { get; }

    /// <summary>One line for plans: what the step changes.</summary>
    string Summary { get; }

    /// <summary>Adds the findings that only this step can make: what it cannot carry, what it will mend.</summary>
    void Examine(ClusterInventory inventory, StepOptions options, FindingList findings);

    /// <summary>Prepares the conversion of a surveyed store.</summary>
    IRecordConversion Prepare(ClusterInventory inventory, StepOptions options);

    /// <summary>Prepares the search for results that the target release would look for under other tags.</summary>
    ITagCarrier PrepareTags(ClusterInventory inventory, StepOptions options);
}

/// <summary>What the operator asked of a step.</summary>
/// <param name="To">Release to carry the store to.</param>
/// <param name="Quarantine">Whether unreadable records are set aside instead of refused.</param>
public sealed record StepOptions(ReleaseVersion To, bool Quarantine);
