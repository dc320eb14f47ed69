namespace Pachyderm.Migration.Engine;

/// <summary>Tells nobody.</summary>
public sealed class NoObserver : IMigrationObserver
{
    /// <inheritdoc/>
    public void PhaseStarted(string phase, long? total)
    {
        // Nobody listens.
    }

    /// <inheritdoc/>
    public void Advanced(long records)
    {
        // Nobody listens.
    }

    /// <inheritdoc/>
    public void PhaseEnded(string phase)
    {
        // Nobody listens.
    }

    /// <inheritdoc/>
    public void Say(string line)
    {
        // Nobody listens.
    }
}
