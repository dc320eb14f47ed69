using Pachyderm.Errors;
using Pachyderm.Migration.Reports;

namespace Pachyderm.Migration.Engine;

/// <summary>
/// A migration failed after it had taken the fence. The message says what failed, what state the data is in and where the backup is.
/// </summary>
/// <param name="report">What is known of the migration.</param>
/// <param name="failure">What failed.</param>
/// <param name="state">What state the data is in.</param>
/// <param name="remedy">What to do.</param>
public sealed class MigrationFailedException(MigrationReport report, Exception failure, string state, string remedy)
    : OperatorException(
        (failure as OperatorException)?.Id ?? "migration-failed",
        (failure as OperatorException)?.Thing ?? report.Store,
        $"{(failure as OperatorException)?.Problem ?? failure.Message}; {state}",
        remedy,
        failure)
{
    /// <summary>What is known of the migration.</summary>
    public MigrationReport Report { get; } = report;
}
