namespace Pachyderm.Pps.Jobs;

/// <summary>How often a datum whose program fails is tried (spec/pps.md section 6). Failures of the machinery do not count.</summary>
public static class DatumRetries
{
    /// <summary>With this failure the datum, and so the job, has failed.</summary>
    public const int MaxFailures = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>How long to wait before the next try: half a second, more or less by up to a half.</summary>
    /// <param name="random">A number from 0 to 1, so that workers do not try in step.</param>
    public static TimeSpan PauseFor(double random) => Pause * (0.5 + Math.Clamp(random, 0, 1));
}
