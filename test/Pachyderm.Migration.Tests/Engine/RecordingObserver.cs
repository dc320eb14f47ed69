using Pachyderm.Migration.Engine;

namespace Pachyderm.Migration.Tests.Engine;

/// <summary>Remembers what it is told.</summary>
internal sealed class RecordingObserver : IMigrationObserver
{
    private readonly Lock _gate = new();
    private readonly List<(string Phase, long? Total, List<long> Advances)> _phases = [];
    private readonly List<string> _ended = [];

    public IReadOnlyList<(string Phase, long? Total, List<long> Advances)> Phases => _phases;

    public IReadOnlyList<string> Ended => _ended;

    public void PhaseStarted(string phase, long? total)
    {
        lock (_gate)
        {
            _phases.Add((phase, total, []));
        }
    }

    public void Advanced(long records)
    {
        lock (_gate)
        {
            _phases[^1].Advances.Add(records);
        }
    }

    public void PhaseEnded(string phase)
    {
        lock (_gate)
        {
            _ended.Add(phase);
        }
    }

    public void Say(string line) => Assert.NotEmpty(line);
}
