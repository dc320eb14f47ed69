using Pachyderm.Errors;
using Pachyderm.Migration.Reports;

namespace Pachyderm.Migration.Engine;

/// <summary>A migration does not begin, because of findings.</summary>
/// <param name="report">The report with all findings.</param>
/// <param name="blockers">Number of findings that stand in the way.</param>
public sealed class MigrationBlockedException(MigrationReport report, long blockers)
    : OperatorException(
        "blocked",
        report.Store,
        $"{blockers} finding{(blockers == 1 ? " stands" : "s stand")} in the way and nothing was written",
        "remove them, or accept those that may be with --accept ID")
{
    /// <summary>The report with all findings.</summary>
    public MigrationReport Report { get; } = report;
}
