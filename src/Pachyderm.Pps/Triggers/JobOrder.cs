namespace Pachyderm.Pps.Triggers;

/// <summary>
/// The jobs of one pipeline that have not ended, in the order in which they were triggered; one runs at a time. A job that ends, however it
/// ends, makes way for the next. Not safe for concurrent use.
/// </summary>
public sealed class JobOrder
{
    private readonly LinkedList<JobId> jobs = [];
    private readonly Dictionary<JobId, LinkedListNode<JobId>> places = [];

    /// <summary>Number of jobs that have not ended.</summary>
    public int Count => jobs.Count;

    /// <summary>The job whose turn it is; null if there is none.</summary>
    public JobId? Current => jobs.First?.Value;

    /// <summary>Adds a job at the end, unless it is there.</summary>
    public void Add(JobId job)
    {
        if (!places.ContainsKey(job))
        {
            places.Add(job, jobs.AddLast(job));
        }
    }

    /// <summary>Takes out a job that has ended or was deleted, whether its turn had come or not.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Remove(JobId job)
    {
        if (!places.Remove(job, out LinkedListNode<JobId>? place))
        {
            return false;
        }
        jobs.Remove(place);
        return true;
    }
}
