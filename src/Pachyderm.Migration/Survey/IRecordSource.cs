using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Survey;

/// <summary>Does something with one record.</summary>
/// <param name="state">The visitor's own state; one for each worker, so it needs no locks.</param>
/// <param name="record">The record. Its key and value are valid during the call only.</param>
internal delegate void RecordVisitor<in TState>(TState state, in StoredRecord record);

/// <summary>All records of a store as of one revision, to be visited in any order by several workers.</summary>
internal interface IRecordSource
{
    /// <summary>Visits every live record exactly once. O(records); one state for each worker comes back.</summary>
    /// <param name="create">Makes a worker's state.</param>
    /// <param name="visit">Visits a record.</param>
    /// <param name="progress">Is told the number of records visited since it was last told.</param>
    /// <param name="cancellationToken">Ends the visit.</param>
    Task<IReadOnlyList<TState>> VisitAsync<TState>(
        Func<TState> create, RecordVisitor<TState> visit, IProgress<long>? progress, CancellationToken cancellationToken);
}
