namespace Pachyderm.Migration.Targets;

/// <summary>
/// The writes that wait in a lane, by scope, and the choice of the next batch. A pure function of what was added, in order.
/// </summary>
internal sealed class LaneWindow
{
    private readonly Dictionary<ulong, Queue<LaneWrite>> _scopes = [];
    private readonly Queue<LaneWrite> _free = new();

    // Scopes in the order in which they take their turn.
    private readonly Queue<ulong> _turns = new();

    /// <summary>Writes that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a write behind all others of its scope.</summary>
    public void Add(LaneWrite write)
    {
        Count++;
        if (write.Scope == 0)
        {
            _free.Enqueue(write);
            return;
        }

        if (!_scopes.TryGetValue(write.Scope, out Queue<LaneWrite>? queue))
        {
            _scopes.Add(write.Scope, queue = new Queue<LaneWrite>());
        }

        if (queue.Count == 0)
        {
            _turns.Enqueue(write.Scope);
        }

        queue.Enqueue(write);
    }

    /// <summary>Takes the next batch: one write of each scope whose turn it is, then writes without scope.</summary>
    public List<LaneWrite> TakeBatch(int maxWrites, int maxBytes)
    {
        List<LaneWrite> batch = [];
        int bytes = 0;
        for (int turn = _turns.Count; turn > 0 && HasRoom(batch.Count, bytes); turn--)
        {
            ulong scope = _turns.Dequeue();
            Queue<LaneWrite> queue = _scopes[scope];
            bytes += Take(queue, batch);
            if (queue.Count > 0)
            {
                _turns.Enqueue(scope);
            }
            else
            {
                _scopes.Remove(scope);
            }
        }

        while (_free.Count > 0 && HasRoom(batch.Count, bytes))
        {
            bytes += Take(_free, batch);
        }

        Count -= batch.Count;
        return batch;

        bool HasRoom(int writes, int size) => writes < maxWrites && size < maxBytes;
    }

    private static int Take(Queue<LaneWrite> queue, List<LaneWrite> batch)
    {
        LaneWrite write = queue.Dequeue();
        batch.Add(write);
        return write.Write.Key.Length + (write.Write.Value?.Length ?? 0);
    }
}
