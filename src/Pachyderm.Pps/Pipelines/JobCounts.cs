using Pachyderm.Pps.Jobs;

namespace Pachyderm.Pps.Pipelines;

/// <summary>How many jobs of a pipeline are in each state.</summary>
public readonly record struct JobCounts
{
    private const int States = 5;

    private readonly ValueList<int> counts;

    private JobCounts(ValueList<int> counts) => this.counts = counts;

    /// <summary>The number of jobs in a state.</summary>
    public int this[JobState state] => counts.Count == 0 ? 0 : counts[(int)state];

    /// <summary>Makes it from the numbers of a record; states that it does not name have none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such state.</exception>
    public static JobCounts From(IEnumerable<KeyValuePair<JobState, int>> numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        int[] byState = new int[States];
        foreach (KeyValuePair<JobState, int> number in numbers)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)number.Key, (uint)States, nameof(numbers));
            byState[(int)number.Key] = number.Value;
        }
        return new JobCounts(byState.ToValueList());
    }

    /// <summary>The states that have jobs.</summary>
    public IEnumerable<KeyValuePair<JobState, int>> NonZero()
    {
        JobCounts all = this;
        return Enum.GetValues<JobState>().Where(state => all[state] != 0).Select(state => KeyValuePair.Create(state, all[state]));
    }

    /// <summary>One job more in a state, and one less in the one it was in; a count never falls below 0.</summary>
    /// <param name="from">The state it was in; null if the job is new.</param>
    /// <param name="to">The state it is in.</param>
    public JobCounts Move(JobState? from, JobState to)
    {
        int[] next = new int[States];
        counts.Items.CopyTo(next);
        if (from is { } old && next[(int)old] > 0)
        {
            next[(int)old]--;
        }
        next[(int)to]++;
        return new JobCounts(next.ToValueList());
    }
}
