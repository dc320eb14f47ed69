namespace Pachyderm.Pps.Jobs;

/// <summary>How a job stands. The numbers are those of the API.</summary>
public enum JobState
{
    /// <summary>Created; waits for its turn.</summary>
    Starting = 0,

    /// <summary>Processes datums.</summary>
    Running = 1,

    /// <summary>A datum failed; there is no output.</summary>
    Failure = 2,

    /// <summary>All datums are processed and the output is committed.</summary>
    Success = 3,

    /// <summary>Stopped by a person, or by the deletion of its pipeline.</summary>
    Killed = 4,
}

/// <summary>What follows from the state of a job.</summary>
public static class JobStates
{
    /// <summary>Whether nothing follows any more.</summary>
    public static bool IsTerminal(this JobState state) => state is JobState.Failure or JobState.Success or JobState.Killed;
}
