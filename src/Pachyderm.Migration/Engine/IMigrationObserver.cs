namespace Pachyderm.Migration.Engine;

/// <summary>Is told how a migration gets on. Calls come from several threads.</summary>
public interface IMigrationObserver
{
    /// <summary>A phase begins.</summary>
    /// <param name="phase">Its name in lower case.</param>
    /// <param name="total">Records that it will handle; null if not known.</param>
    void PhaseStarted(string phase, long? total);

    /// <summary>The phase has handled so many more records.</summary>
    void Advanced(long records);

    /// <summary>The phase has ended well.</summary>
    void PhaseEnded(string phase);

    /// <summary>Something worth a line.</summary>
    void Say(string line);
}
