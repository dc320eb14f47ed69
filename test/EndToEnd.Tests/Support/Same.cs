namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>Comparisons that say which entries differ instead of printing everything.</summary>
public static class Same
{
    /// <summary>Asserts that two maps hold the same entries.</summary>
    public static void Entries<T>(IReadOnlyDictionary<string, T> expected, IReadOnlyDictionary<string, T> actual, string because = "")
    {
        List<string> differences = [];
        foreach (string key in expected.Keys.Union(actual.Keys, StringComparer.Ordinal))
        {
            string problem = (expected.TryGetValue(key, out T? wanted), actual.TryGetValue(key, out T? found)) switch
            {
                (true, false) => "is missing",
                (false, true) => "should not be there",
                _ => AreEqual(wanted, found) ? "" : "has another value",
            };
            if (problem.Length > 0)
            {
                differences.Add($"{key} {problem}");
            }
        }

        if (differences.Count > 0)
        {
            Assert.Fail($"{because} {differences.Count} entries differ:\n{string.Join('\n', differences.Take(15))}");
        }
    }

    private static bool AreEqual<T>(T? left, T? right) => left is string[] list && right is string[] other
        ? list.SequenceEqual(other, StringComparer.Ordinal)
        : EqualityComparer<T>.Default.Equals(left, right);
}
