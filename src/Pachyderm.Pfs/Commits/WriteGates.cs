using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Holds back writes to commits that are being finished, until it is known whether they are finished.</summary>
internal sealed class WriteGates
{
    private readonly Dictionary<CommitKey, Gate> gates = [];

    /// <summary>Holds writes back until the result is disposed.</summary>
    public IDisposable Close(CommitKey commit)
    {
        lock (gates)
        {
            if (!gates.TryGetValue(commit, out Gate? gate))
            {
                gates.Add(commit, gate = new Gate());
            }
            gate.Holders++;
            return new Holder(this, commit, gate);
        }
    }

    /// <summary>Waits until nobody holds writes to the commit back.</summary>
    public Task PassAsync(CommitKey commit, CancellationToken cancellationToken)
    {
        lock (gates)
        {
            return gates.TryGetValue(commit, out Gate? gate) ? gate.Opened.Task.WaitAsync(cancellationToken) : Task.CompletedTask;
        }
    }

    private void Open(CommitKey commit, Gate gate)
    {
        lock (gates)
        {
            if (--gate.Holders > 0)
            {
                return;
            }
            gates.Remove(commit);
        }
        gate.Opened.SetResult();
    }

    private sealed class Gate
    {
        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Holders { get; set; }
    }

    private sealed class Holder(WriteGates owner, CommitKey commit, Gate gate) : IDisposable
    {
        private Gate? held = gate;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref held, null) is { } mine)
            {
                owner.Open(commit, mine);
            }
        }
    }
}
