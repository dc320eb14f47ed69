namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>Runs a scenario once for each point at which a process is killed.</summary>
public static class CrashMatrix
{
    private const int AtOnce = 2;

    /// <summary>
    /// Runs the scenario for every point, or without <c>PACHYDERM_LONG_TESTS=1</c> for every <paramref name="stride"/>-th, the first of each name and
    /// the last.
    /// </summary>
    /// <param name="points">Names of the points in the order in which an undisturbed run passes them.</param>
    /// <param name="stride">Distance of the points that a short run takes.</param>
    /// <param name="scenario">Called with the number of the point, from 1, and words for messages.</param>
    public static async Task RunAsync(IReadOnlyList<string> points, int stride, Func<int, string, Task> scenario)
    {
        Assert.NotEmpty(points);
        HashSet<string> names = new(StringComparer.Ordinal);
        List<int> chosen = [];
        for (int index = 0; index < points.Count; index++)
        {
            bool isNew = names.Add(points[index]);
            if (Sets.IsLong || isNew || index % stride == 0 || index == points.Count - 1)
            {
                chosen.Add(index + 1);
            }
        }

        await Parallel.ForEachAsync(
            chosen,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken },
            async (point, _) => await scenario(point, $"killed at point {point} ({points[point - 1]}):"));
    }
}
