namespace Pachyderm.ObjectStores;

/// <summary>
/// A store that keeps what killed writers left behind (files under construction, unfinished uploads) until it is told to clean up.
/// </summary>
public interface IObjectStoreMaintenance
{
    /// <summary>Removes the remains of writes that were begun longer than <paramref name="minimumAge"/> ago and never finished.</summary>
    /// <returns>How many were removed.</returns>
    Task<int> RemoveAbandonedWritesAsync(TimeSpan minimumAge, CancellationToken cancellationToken);
}
