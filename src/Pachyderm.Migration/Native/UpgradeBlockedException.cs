using Pachyderm.Errors;

namespace Pachyderm.Migration.Native;

/// <summary>Something stands in the way of an upgrade. Nothing was written.</summary>
/// <param name="report">What it is.</param>
public sealed class UpgradeBlockedException(UpgradeReport report) : OperatorException(
    "migration-blocked", report.Data, $"{report.Blockers.Count} findings stand in the way of the upgrade",
    "nothing was written; mend them, and run it again")
{
    /// <summary>The report.</summary>
    public UpgradeReport Report { get; } = report;
}
